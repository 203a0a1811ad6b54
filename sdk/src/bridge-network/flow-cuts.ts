// Ends flows that the kernel remembers and that a new policy or port mapping would not have let begin so: with the next
// packet they are judged and translated anew.
import { formatIp, type Rtnl } from '../linux/index.ts'
import type { Conntrack, Flow } from '../linux/netfilter/index.ts'
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
export function cutForbidden(
  conntrack: Conntrack,
  policy: EgressPolicy,
  { addresses, ownNetwork }: Sender,
): void {
  for (const source of addresses) {
    const family: Family = source.length === 4 ? 4 : 6
    for (const flow of conntrack.flows({ family, source })) {
      if (!isAllowed(flow, { policy, family, ownNetwork })) conntrack.delete(flow)
    }
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

/** Ends the flows through ports that are mapped no more. */
export function cutUnmapped(conntrack: Conntrack, ports: readonly MappedPort[]): void {
  for (const { family, protocol, hostPort, address, port } of ports) {
    for (const flow of conntrack.flows({ family, protocol, destinationPort: hostPort })) {
      const { reply } = flow
      if (reply.sourcePort === port && reply.source.equals(address)) conntrack.delete(flow)
    }
  }
}

/**
 * Ends flows of UDP that lead to the machine itself, or to whoever had the port before, although the port is mapped now: they
 * would never end while their sender goes on.
 */
export function cutOver(conntrack: Conntrack, rtnl: Rtnl, ports: readonly MappedPort[]): void {
  const own = new Set(rtnl.addresses().map(({ address }) => withoutPrefix(address)))
  for (const { family, protocol, hostPort, hostAddress, address, port } of ports.filter(isUdp)) {
    for (const flow of conntrack.flows({ family, protocol, destinationPort: hostPort })) {
      const { original, reply } = flow
      const isThere = reply.source.equals(address) && reply.sourcePort === port
      if (!isThere && isForMachine(original.destination, { hostAddress, own })) conntrack.delete(flow)
    }
  }
}

function isForMachine(
  destination: Buffer,
  { hostAddress, own }: { hostAddress: Buffer | undefined; own: ReadonlySet<string> },
): boolean {
  if (hostAddress !== undefined) return destination.equals(hostAddress)
  return destination[0] === 127 || own.has(formatIp(destination))
}
