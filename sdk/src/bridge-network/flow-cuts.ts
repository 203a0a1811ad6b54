// Ends flows that the kernel remembers and that a new policy or port mapping would not have let begin so: with the next
// packet they are judged and translated anew.
import { formatIp, type Rtnl } from '../linux/index.ts'
import type { Conntrack, Flow, FlowFilter } from '../linux/netfilter/index.ts'
import { withoutPrefix } from './addressing.ts'
import type { TableElement } from './firewall/policy-elements.ts'
import { addressNumber, type Family, type IpRange } from './policy/ranges.ts'
import { type EgressPolicy, protocols, ruleFor } from './policy/rules.ts'

/** What is to be done with flows before they are cut. */
export type TellEnds = (flows: readonly Flow[]) => Promise<void>

type Sender = {
  readonly addresses: readonly Uint8Array[]
  /** Where policies do not reach. */
  readonly near: Near
  readonly tellEnds: TellEnds
}

type Near = {
  readonly ownNetwork: readonly IpRange[]
  /** The machine's own addresses: what goes to them is not sent on. */
  readonly machine: AddressTexts
}

/** Ends what an endpoint has begun and may not send any more. */
export async function cutForbidden(
  conntrack: Pick<Conntrack, 'cut'>,
  egress: () => EgressPolicy,
  { addresses, near, tellEnds }: Sender,
): Promise<void> {
  let policy: EgressPolicy | undefined
  const isForbidden = (flow: Flow) => {
    policy ??= egress()
    return !maySend(flow, { policy, near })
  }
  for (const source of addresses) {
    const family: Family = source.length === 4 ? 4 : 6
    await conntrack.cut({ family, source }, isForbidden, tellEnds)
  }
}

/** Where a flow really leads says the source of its answers. */
export function maySend(
  { original, reply }: Flow,
  { policy, near }: { policy: EgressPolicy; near: Near },
): boolean {
  const family: Family = reply.source.length === 4 ? 4 : 6
  const destination = addressNumber(reply.source)
  const isInNetwork = near.ownNetwork.some(
    (range) => range.family === family && range.start <= destination && destination <= range.end,
  )
  if (isInNetwork || near.machine.has(formatIp(reply.source))) return true
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

type Unmapped = {
  readonly ports: readonly MappedPort[]
  /** What the endpoint has of them still, maybe at another address of the machine. */
  readonly left: readonly MappedPort[]
  readonly tellEnds?: TellEnds | undefined
}

/** Ends the flows through ports that are mapped no more: one look for each address, however many ports it had. */
export async function cutUnmapped(
  conntrack: Pick<Conntrack, 'cut'>,
  rtnl: Pick<Rtnl, 'addresses'>,
  { ports, left, tellEnds }: Unmapped,
): Promise<void> {
  const own = addressesOf(rtnl)
  const unmapped = new Set(
    ports.map(({ protocol, hostPort, address, port }) => pathOf({ protocol, hostPort, address, port })),
  )
  const byAddress = new Map(ports.map((port) => [port.address.toString('hex'), port]))
  for (const { family, address: answerer } of byAddress.values()) {
    const isUnmapped = ({ original, reply }: Flow) => {
      const { protocol, destinationPort: hostPort, destination } = original
      const { source: address, sourcePort: port } = reply
      // Who came to the container's own address came by no port of the machine.
      if (!unmapped.has(pathOf({ protocol, hostPort, address, port })) || destination.equals(address))
        return false
      const same = left.filter((one) => one.family === family && isSamePort(one, original))
      return !leadsTo(reply, meantFor(destination, { ports: same, own }))
    }
    await conntrack.cut({ family, answerer }, isUnmapped, tellEnds)
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
export async function cutOver(
  conntrack: Pick<Conntrack, 'cut'>,
  rtnl: Pick<Rtnl, 'addresses'>,
  ports: readonly MappedPort[],
): Promise<void> {
  const own = addressesOf(rtnl)
  for (const family of [4, 6] as const) {
    const byPort = byHostPort(ports.filter((one) => one.family === family && isUdp(one)))
    const isMisled = ({ original, reply }: Flow) => {
      const meant = meantFor(original.destination, { ports: byPort.get(original.destinationPort) ?? [], own })
      return meant.length > 0 && !leadsTo(reply, meant)
    }
    for (const filter of filtersOf([...byPort.keys()])) await conntrack.cut({ family, ...filter }, isMisled)
  }
}

const isSamePort = ({ protocol, hostPort }: MappedPort, original: Flow['original']) =>
  protocol === original.protocol && hostPort === original.destinationPort

function leadsTo(reply: Flow['reply'], ports: readonly MappedPort[]): boolean {
  return ports.some(({ address, port }) => reply.source.equals(address) && reply.sourcePort === port)
}

export type AddressTexts = Pick<ReadonlySet<string>, 'has'>

/** Of the machine. Looked at when a flow is first asked about: of a thousand interfaces that takes longer than a cut of none. */
export function addressesOf(rtnl: Pick<Rtnl, 'addresses'>): AddressTexts {
  let texts: AddressTexts | undefined
  return {
    has(text) {
      texts ??= new Set(rtnl.addresses().map(({ address }) => withoutPrefix(address)))
      return texts.has(text)
    },
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

type MachinePorts = { readonly ports: readonly MappedPort[]; readonly own: AddressTexts }

/** A port of one address comes before the same of all. */
function meantFor(destination: Buffer, { ports, own }: MachinePorts): readonly MappedPort[] {
  const exact = ports.filter(({ hostAddress }) => hostAddress?.equals(destination))
  if (exact.length > 0) return exact
  const isOfMachine = destination[0] === 127 || own.has(formatIp(destination))
  return isOfMachine ? ports.filter(({ hostAddress }) => hostAddress === undefined) : []
}
