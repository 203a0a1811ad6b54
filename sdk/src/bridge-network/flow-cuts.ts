// Ends flows that the kernel remembers and that a new policy or port mapping would not have let begin so: with the next
// packet they are judged and translated anew.
import { formatIp, type Rtnl } from '../linux/index.ts'
import type { Conntrack, Flow, FlowFilter } from '../linux/netfilter/index.ts'
import { withoutPrefix } from './addressing.ts'
import type { TableElement } from './firewall/policy-elements.ts'
import { addressNumber, type Family, type IpRange } from './policy/ranges.ts'
import { type EgressPolicy, protocols, ruleFor } from './policy/rules.ts'

type Sender = {
  readonly addresses: readonly Uint8Array[]
  /** Where policies do not reach. */
  readonly ownNetwork: readonly IpRange[]
}

/** Ends what an endpoint has begun and may not send any more. */
export async function cutForbidden(
  conntrack: Conntrack,
  policy: EgressPolicy,
  { addresses, ownNetwork }: Sender,
): Promise<void> {
  for (const source of addresses) {
    const family: Family = source.length === 4 ? 4 : 6
    await conntrack.cut({ family, source }, (flow) => !isAllowed(flow, { policy, family, ownNetwork }))
  }
}

/** Where a flow really leads says the source of its answers. */
function isAllowed(
  { original, reply }: Flow,
  { policy, family, ownNetwork }: { policy: EgressPolicy; family: Family; ownNetwork: readonly IpRange[] },
): boolean {
  const destination = addressNumber(reply.source)
  const isNear = ownNetwork.some(
    (range) => range.family === family && range.start <= destination && destination <= range.end,
  )
  if (isNear) return true
  const selector = original.icmp ?? reply.sourcePort
  const rule = ruleFor(policy, { family, protocol: original.protocol, destination, selector })
  return (rule?.verdict ?? policy.usual) === 'allow'
}

/** A port of the machine that leads to an endpoint, or did. */
export type MappedPort = {
  readonly family: Family
  readonly protocol: number
  readonly hostPort: number
  /** Undefined: at every address of the machine. */
  readonly hostAddress: Buffer | undefined
  readonly address: Buffer
  readonly port: number
}

export const isUdp = ({ protocol }: MappedPort) => protocol === protocols.udp

/** What an element of the table maps; undefined for others. */
export function mappedPortOf({ map, key, value }: TableElement): MappedPort | undefined {
  const match = /^(any_)?ports([46])$/.exec(map)
  if (match === null || !Buffer.isBuffer(value)) return undefined
  const family = match[2] === '4' ? 4 : 6
  const addressLength = family === 4 ? 4 : 16
  const isAny = match[1] !== undefined
  const rest = isAny ? key : key.subarray(addressLength)
  return {
    family,
    protocol: rest[0] ?? 0,
    hostPort: rest.readUInt16BE(4),
    hostAddress: isAny ? undefined : key.subarray(0, addressLength),
    address: value.subarray(0, addressLength),
    port: value.readUInt16BE(addressLength),
  }
}

/** Ends the flows through ports that are mapped no more: one look for each address, however many ports it had. */
export async function cutUnmapped(conntrack: Conntrack, ports: readonly MappedPort[]): Promise<void> {
  const unmapped = new Set(
    ports.map(({ protocol, hostPort, address, port }) => pathOf({ protocol, hostPort, address, port })),
  )
  const byAddress = new Map(ports.map((port) => [port.address.toString('hex'), port]))
  for (const { family, address: answerer } of byAddress.values()) {
    await conntrack.cut({ family, answerer }, ({ original, reply }) => {
      const { protocol, destinationPort: hostPort } = original
      return unmapped.has(pathOf({ protocol, hostPort, address: reply.source, port: reply.sourcePort }))
    })
  }
}

const pathOf = ({
  protocol,
  hostPort,
  address,
  port,
}: Pick<MappedPort, 'protocol' | 'hostPort' | 'address' | 'port'>) =>
  `${protocol} ${hostPort} ${address.toString('hex')} ${port}`

/**
 * Ends flows of UDP that lead to the machine itself, or to whoever had the port before, although the port is mapped now: they
 * would never end while their sender goes on.
 */
export async function cutOver(conntrack: Conntrack, rtnl: Rtnl, ports: readonly MappedPort[]): Promise<void> {
  const own = new Set(rtnl.addresses().map(({ address }) => withoutPrefix(address)))
  for (const family of [4, 6] as const) {
    const byPort = byHostPort(ports.filter((one) => one.family === family && isUdp(one)))
    const isMisled = ({ original, reply }: Flow) =>
      (byPort.get(original.destinationPort) ?? []).some(({ hostAddress, address, port }) => {
        const isThere = reply.source.equals(address) && reply.sourcePort === port
        return !isThere && isForMachine(original.destination, { hostAddress, own })
      })
    for (const filter of filtersOf([...byPort.keys()])) await conntrack.cut({ family, ...filter }, isMisled)
  }
}

/** Two may share a port of different addresses. */
function byHostPort(ports: readonly MappedPort[]): ReadonlyMap<number, MappedPort[]> {
  const groups = new Map<number, MappedPort[]>()
  for (const one of ports) {
    const others = groups.get(one.hostPort)
    if (others === undefined) groups.set(one.hostPort, [one])
    else others.push(one)
  }
  return groups
}

/** A look takes the same time whatever it is for, but all flows of UDP may be many. */
const fewPorts = 4

function filtersOf(ports: readonly number[]): Pick<FlowFilter, 'protocol' | 'destinationPort'>[] {
  const protocol = protocols.udp
  if (ports.length > fewPorts) return [{ protocol }]
  return ports.map((destinationPort) => ({ protocol, destinationPort }))
}

function isForMachine(
  destination: Buffer,
  { hostAddress, own }: { hostAddress: Buffer | undefined; own: ReadonlySet<string> },
): boolean {
  if (hostAddress !== undefined) return destination.equals(hostAddress)
  return destination[0] === 127 || own.has(formatIp(destination))
}
