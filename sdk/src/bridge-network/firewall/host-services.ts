// What of the machine itself members of a network reach that do not reach the rest of it: elements of three sets, which the
// input chain looks up.
import { formatIp } from '../../linux/index.ts'
import type { Flow } from '../../linux/netfilter/index.ts'
import { protocols } from '../policy/rules.ts'

/** A port of the machine. */
export type HostService = {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** One of the machine's, as the kernel writes it. Undefined: all of them. */
  readonly address: string | undefined
}

/** With their types. */
export const serviceSets = {
  services: 'ifname . inet_proto . inet_service',
  services4: 'ifname . inet_proto . inet_service . ipv4_addr',
  services6: 'ifname . inet_proto . inet_service . ipv6_addr',
} as const

export type ServiceSet = keyof typeof serviceSets

/** Membership of a bridge in one of the sets: `services4 udp 53 169.254.0.2`. */
export type ServiceMember = `${ServiceSet} ${string}`

export const serviceSetNames: readonly ServiceSet[] = ['services', 'services4', 'services6']

/** In an order of its own, so that equal services are equal lists. */
export function serviceMembers(services: readonly HostService[]): ServiceMember[] {
  return [...new Set(services.map(memberOf))].sort()
}

/** Which set, and what is in its element behind the bridge: of sets of bridges nothing. */
export function partsOf(member: string): { set: string; key: readonly string[] } {
  const [set = '', ...key] = member.split(' ')
  return { set, key }
}

type FlowEnds = {
  readonly original: Pick<Flow['original'], 'protocol'>
  readonly reply: Pick<Flow['reply'], 'source' | 'sourcePort'>
}

/** Whether one of the members lets the flow reach the machine, where it really leads. */
export function admits(members: readonly string[], { original, reply }: FlowEnds): boolean {
  const protocol = Object.entries(protocols).find(([, number]) => number === original.protocol)?.[0]
  if (protocol !== 'tcp' && protocol !== 'udp') return false
  const toAny: HostService = { protocol, port: reply.sourcePort, address: undefined }
  const toOne = { ...toAny, address: formatIp(reply.source) }
  return [toAny, toOne].some((service) => members.includes(memberOf(service)))
}

function memberOf({ protocol, port, address }: HostService): ServiceMember {
  if (address === undefined) return `services ${protocol} ${port}`
  return `${address.includes(':') ? 'services6' : 'services4'} ${protocol} ${port} ${address}`
}
