// What the members of all networks may have of flows, as the tables would have judged their first packets: for flows that began
// while the tables were not there.
import { formatIp, parsePrefix } from '../linux/index.ts'
import type { Flow } from '../linux/netfilter/index.ts'
import type { PolicyParams } from '../protocol/index.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { admits } from './firewall/host-services.ts'
import { type AddressTexts, maySend } from './flow-cuts.ts'
import { documentOf } from './policy/check.ts'
import { addressNumber, type IpRange, parseRange } from './policy/ranges.ts'
import { type EgressPolicy, egressPolicy } from './policy/rules.ts'

/** An endpoint as it was plugged, or given its last policy. */
export type MemberParams = { readonly params: PolicyParams; readonly bridge: BridgePlan }

/** An endpoint that a flow begins or ends at. */
export type Member = {
  readonly addresses: readonly Uint8Array[]
  readonly sandboxPath: string | undefined
  readonly networkId: string
  readonly bridge: BridgePlan
  readonly ownNetwork: readonly IpRange[]
  readonly egress: EgressPolicy
}

/** What members of a network that are kept apart may send each other. */
export type PeerRules = { allows(networkId: string, flow: Flow): boolean }

export class MemberFlows {
  readonly #machine: AddressTexts
  readonly #pairs: PeerRules
  readonly #params = new Map<string, MemberParams>()
  readonly #members = new Map<MemberParams, Member>()

  /** `machine`: its own addresses, as text. `pairs`: between members that are kept apart. */
  constructor(
    members: Iterable<MemberParams>,
    { machine, pairs }: { machine: AddressTexts; pairs: PeerRules },
  ) {
    this.#machine = machine
    this.#pairs = pairs
    for (const member of members)
      for (const address of addressesOf(member)) this.#params.set(hex(address), member)
  }

  /** True for flows of others. */
  isAllowed(flow: Flow): boolean {
    const { sender, receiver } = this.endsOf(flow)
    if (sender !== undefined && !this.#maySend(flow, sender, receiver)) return false
    return receiver === undefined || this.#mayReceive(flow, receiver, sender)
  }

  /** Where it really leads says the source of its answers. */
  endsOf({ original, reply }: Flow): { sender: Member | undefined; receiver: Member | undefined } {
    return { sender: this.#memberAt(original.source), receiver: this.#memberAt(reply.source) }
  }

  #maySend(flow: Flow, sender: Member, receiver: Member | undefined): boolean {
    const { ownNetwork, bridge, egress } = sender
    if (isIn(ownNetwork, flow.reply.source)) return this.#mayReachPeer(flow, sender)
    if (this.#isMachine(flow.reply.source))
      return !bridge.policy.includes('hostless') || admits(bridge.policy, flow)
    const near = { ownNetwork, machine: this.#machine }
    if (!maySend(flow, { policy: egress, near })) return false
    // It left with an address to which no answer comes; but by a port of the machine, to an endpoint of which nobody has said anything.
    const isAsSent = flow.reply.destination.equals(flow.original.source)
    const isLost = isAsSent && receiver === undefined && !isTranslated(flow)
    return !(bridge.policy.includes('masqueraded') && isLost)
  }

  /** Of members that are kept apart flows are known only where they go by way of the machine. */
  #mayReachPeer(flow: Flow, { bridge, networkId }: Member): boolean {
    return (
      bridge.policy.includes('peers') ||
      this.#isMachine(flow.reply.source) ||
      this.#pairs.allows(networkId, flow)
    )
  }

  /** From the machine, by one of its ports, or into a network that others reach. */
  #mayReceive(flow: Flow, receiver: Member, sender: Member | undefined): boolean {
    const { source } = flow.original
    if (isTranslated(flow) || isIn(receiver.ownNetwork, source) || this.#isMachine(source)) return true
    return sender === undefined && receiver.bridge.policy.includes('routed')
  }

  #isMachine(address: Buffer): boolean {
    return (address.length === 4 && address[0] === 127) || this.#machine.has(formatIp(address))
  }

  #memberAt(address: Buffer): Member | undefined {
    const params = this.#params.get(hex(address))
    if (params === undefined) return undefined
    const member = this.#members.get(params) ?? memberOf(params)
    this.#members.set(params, member)
    return member
  }
}

function memberOf({ params, bridge }: MemberParams): Member {
  return {
    addresses: addressesOf({ params }),
    sandboxPath: params.sandbox?.path,
    networkId: params.network.id,
    bridge,
    ownNetwork: params.network.subnets.map(({ subnet }) => parseRange(subnet)),
    egress: egressPolicy(bridge.egress, documentOf(params.policy).net_out ?? []),
  }
}

/** It came by a port of the machine. */
const isTranslated = ({ original, reply }: Flow) => !original.destination.equals(reply.source)

const addressesOf = ({ params }: Pick<MemberParams, 'params'>) =>
  params.interface.addresses.map((text) => parsePrefix(text).bytes)

function isIn(ranges: readonly IpRange[], address: Uint8Array): boolean {
  const family = address.length === 4 ? 4 : 6
  const number = addressNumber(address)
  return ranges.some((range) => range.family === family && range.start <= number && number <= range.end)
}

const hex = (address: Uint8Array) => Buffer.from(address).toString('hex')
