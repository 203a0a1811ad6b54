// Policies and ports of endpoints: brings the table to what calls want, has flows cut that are not allowed any more, and sets
// limits.
import { hasFlows } from '../linux/netfilter/index.ts'
import type { CreateEndpointParams, PolicyParams } from '../protocol/index.ts'
import { Rollback } from '../rollback.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { networkHolding, planEndpointPolicy } from './endpoint-policy.ts'
import { EgressCompiler } from './firewall/egress-compiler.ts'
import { differing, emptyHolding, type Holding, type TableElement } from './firewall/policy-elements.ts'
import type { OwnerWish } from './firewall/policy-table.ts'
import { FlowReview } from './flow-review.ts'
import { FreshPorts } from './fresh-ports.ts'
import type { BridgeNetworkKind } from './kind.ts'
import { LeftFlows } from './left-flows.ts'
import { leadFromLoopback } from './loopback.ts'
import type { Machine } from './machine.ts'
import { endpointOwner, networkOwner } from './names.ts'
import { pairMember } from './pair-member.ts'
import { type MemberChange, PairPolicies } from './pair-policies.ts'
import { checkPolicies, checkPorts, documentOf } from './policy/check.ts'
import type { PolicyDocument } from './policy/document.ts'
import { limitsOf, type TrafficLimits } from './policy/limits.ts'
import type { PairMember } from './policy/pairs.ts'
import { refusalOfPolicies } from './policy/refusals.ts'
import type { EgressPolicy } from './policy/rules.ts'
import { addressesIn, addressesOfParams, isSource, PolicyFlows, portsOf } from './policy-flows.ts'
import { TrafficShaper } from './traffic-shaper.ts'

/** What a call has put in force. */
export type PolicyInForce = {
  /** The call has failed: what was before is in force again. */
  takeBack(): Promise<void>
  /** The call has done its work. */
  settle(): Promise<void>
}

/** What an endpoint is to have. */
export type PolicyWishes = {
  /** The endpoint is about to be plugged, so nothing of it flows but what somebody with its addresses has left. */
  readonly isPlug?: boolean
  /** Somebody may have had one of its addresses. */
  readonly isUsedAddress?: boolean
  readonly limits: TrafficLimits
  /** Undefined: members of the network reach each other. */
  readonly pairing: PairMember | undefined
  readonly egress: () => EgressPolicy
  readonly holding: Holding
}

export class Policies {
  readonly #machine: Machine
  readonly #spansHosts: boolean
  readonly pairs: PairPolicies
  readonly shaper: TrafficShaper
  readonly #compiler = new EgressCompiler()
  /** Compiled once for each plan: every policy of a member asks for them. */
  readonly #ofNetworks = new WeakMap<BridgePlan, Holding>()
  readonly #flows: PolicyFlows
  readonly #leftFlows: LeftFlows
  readonly #review: FlowReview
  readonly #freshPorts: FreshPorts

  constructor(machine: Machine, { spansHosts = false }: Pick<BridgeNetworkKind, 'spansHosts'> = {}) {
    this.#machine = machine
    this.#spansHosts = spansHosts
    this.pairs = new PairPolicies(machine, () => this.#review)
    this.shaper = new TrafficShaper(machine)
    this.#flows = new PolicyFlows(machine)
    this.#freshPorts = new FreshPorts(this.#flows)
    const conntrack = () => this.#flows.conntrack()
    this.#leftFlows = new LeftFlows(conntrack)
    const ports = () => portsOf({ elements: [...machine.policyTable.elements()] })
    this.#review = new FlowReview({ machine, conntrack, ports, pairs: this.pairs })
    machine.unjudged.whenOverdue(() => void this.#review.ofAll())
    machine.whenMended(() => {
      // Those who come back with the sync know nothing of it yet.
      machine.unjudged.noteLoss()
      void this.#review.ofAll()
    })
  }

  /** Whether anybody has said what the endpoint may do. */
  knows(endpointId: string): boolean {
    return this.#review.knows(endpointId)
  }

  /** Throws `invalidArgument` that names the fields; changes nothing. */
  async plan(params: CreateEndpointParams, bridge: BridgePlan): Promise<PolicyWishes> {
    const document = documentOf(params.policy)
    checkPorts(document)
    const pairing = this.#pairingOf(params, bridge, document)
    const table = this.#machine.policyTable.name
    const limits = limitsOf(document.limits)
    const compiler = this.#compiler
    return { limits, pairing, ...(await planEndpointPolicy(params, { document, bridge, table, compiler })) }
  }

  /**
   * Puts policy and ports in force instead of the former ones, in one step. Where there is nothing and nothing is wanted
   * the kernel is not asked. May be repeated.
   */
  async put(params: PolicyParams, bridge: BridgePlan, wishes: PolicyWishes): Promise<PolicyInForce> {
    const { policyTable } = this.#machine
    const owner = endpointOwner(params.endpointId)
    const { holding, egress } = wishes
    const joined = this.pairs.join(params, wishes.pairing)
    const ofPairs = joined?.wishes ?? []
    const isNothing = holding.elements.length === 0 && !policyTable.has(owner)
    if (isNothing && ofPairs.length === 0) return this.#nothingInForce(params, bridge, joined)
    await using undo = new Rollback()
    undo.defer(`forget ${owner} as a member`, () => this.#unjoin(joined))
    if (holding.elements.length > 0) await this.#putNetwork(params.network.id, bridge)
    if (hasMappings(holding)) leadFromLoopback(bridge.name)
    const changes = await policyTable.putAll([{ owner, holding: () => holding }, ...ofPairs])
    const before = changes[0]?.before ?? emptyHolding
    const isFresh = wishes.isPlug === true && before.elements.length === 0
    const unknow = this.#review.know(params.endpointId, { params, bridge })
    this.#freshPorts.change(owner, portsOf(holding))
    const takeBack = async () => {
      unknow()
      this.#freshPorts.change(owner, portsOf(before))
      const unjoined = joined?.undo()
      const former = { owner, holding: () => before }
      const made = await policyTable.putAll([former, ...(unjoined?.wishes ?? [])])
      await this.#flows.cutPorts(made[0]?.before ?? emptyHolding, before)
      if (unjoined !== undefined) await this.pairs.follow(unjoined, made)
    }
    undo.defer(`take back the policy of ${owner}`, takeBack)
    if (joined !== undefined) await this.pairs.follow(joined, changes)
    if (!isFresh) await this.#flows.cut(before, holding, { params, egress })
    else if (wishes.isUsedAddress === true && holding.elements.some(isSource) && hasFlows())
      await this.#review.of(addressesOfParams(params))
    undo.commit()
    return { takeBack, settle: () => this.#settle(params.endpointId, isFresh ? holding : undefined) }
  }

  /** `fresh`: what the endpoint has for the first time. */
  async #settle(endpointId: string, fresh: Holding | undefined): Promise<void> {
    if (fresh !== undefined) await this.#freshPorts.add(endpointOwner(endpointId), portsOf(fresh))
    await this.#judgeLost(endpointId)
  }

  /** Throws `invalidArgument` where the network takes no such entries. */
  #pairingOf(
    params: CreateEndpointParams,
    bridge: BridgePlan,
    document: PolicyDocument,
  ): PairMember | undefined {
    const { policies = [] } = document
    const { internal } = bridge
    const isOpen = bridge.policy.includes('peers')
    if (policies.length > 0) {
      const why = refusalOfPolicies({ isIcc: isOpen, internal }, { spansHosts: this.#spansHosts })
      if (why !== undefined) throw why
      checkPolicies(document)
    }
    return !isOpen && !internal ? pairMember(params, policies) : undefined
  }

  async #unjoin(joined: MemberChange | undefined): Promise<void> {
    const { wishes = [] } = joined?.undo() ?? {}
    if (wishes.length > 0) await this.#machine.policyTable.putAll(wishes)
  }

  #nothingInForce(params: PolicyParams, bridge: BridgePlan, joined: MemberChange | undefined): PolicyInForce {
    const unknow = this.#review.know(params.endpointId, { params, bridge })
    const takeBack = async () => {
      unknow()
      await this.#unjoin(joined)
    }
    return { takeBack, settle: () => this.#judgeLost(params.endpointId) }
  }

  /** What began while the tables were gone and no driver was there, once all that come back are known again. Does not fail. */
  async #judgeLost(endpointId: string): Promise<void> {
    if (this.#machine.unjudged.isDue(endpointId)) await this.#review.ofAll()
    await this.pairs.idle()
  }

  /** Nothing of the endpoint is left in the table, and no flow of it. May be repeated; costs nothing where there was nothing. */
  async delete(endpointId: string): Promise<void> {
    const owner = endpointOwner(endpointId)
    this.#review.forget(endpointId)
    this.#freshPorts.delete(owner)
    await this.#judgeLost(endpointId)
    const { policyTable } = this.#machine
    const isThere = policyTable.has(owner)
    const leaving = this.pairs.leave(endpointId)
    const wishes = [...(isThere ? [{ owner, holding: () => emptyHolding }] : []), ...(leaving?.wishes ?? [])]
    if (wishes.length === 0 && !this.#leftFlows.mayBeOf(endpointId)) return
    await this.#deleteAs(endpointId, wishes, leaving)
  }

  async #deleteAs(
    endpointId: string,
    wishes: readonly OwnerWish[],
    leaving: MemberChange | undefined,
  ): Promise<void> {
    await using undo = new Rollback()
    undo.defer('keep the member', () => this.#unjoin(leaving))
    const changes = await this.#machine.policyTable.putAll(wishes)
    undo.commit()
    const elements = changes.flatMap(({ owner, before }) =>
      owner === endpointOwner(endpointId) ? before.elements : [],
    )
    const ofPairs =
      leaving === undefined || leaving.wishes.length === 0 ? [] : (leaving.former?.addresses ?? [])
    await this.#leftFlows.cut(endpointId, distinct([...addressesIn(elements), ...ofPairs]))
    if (leaving !== undefined) await this.pairs.followAtLast(leaving, changes)
  }

  /** What all members of the network may do. Nothing where they may do all, until one has a policy. */
  async createNetwork(networkId: string, bridge: BridgePlan): Promise<void> {
    const { usual, denied } = bridge.egress
    const isOpen = usual === 'allow' && denied.length === 0
    if (!isOpen || this.#machine.policyTable.has(networkOwner(networkId)))
      await this.#putNetwork(networkId, bridge)
  }

  async deleteNetwork(networkId: string): Promise<void> {
    const owner = networkOwner(networkId)
    if (this.#machine.policyTable.has(owner)) await this.#machine.policyTable.put(owner, emptyHolding)
    await this.pairs.deleteNetwork(networkId)
  }

  async close(): Promise<void> {
    this.#machine.unjudged.leave()
    await this.pairs.idle()
    await this.#compiler.close()
    await this.#freshPorts.close()
    await this.#review.close()
    await this.#flows.close()
  }

  async #putNetwork(networkId: string, bridge: BridgePlan): Promise<void> {
    const { policyTable } = this.#machine
    const holding = this.#ofNetworks.get(bridge) ?? networkHolding(bridge, policyTable.name)
    this.#ofNetworks.set(bridge, holding)
    const before = await policyTable.put(networkOwner(networkId), holding)
    // Where members come back to the network, somebody has emptied a map while no driver was there.
    if (differing(holding, before).length > 0) this.#machine.unjudged.noteLoss()
  }
}

const isPort = ({ map }: TableElement) => map.includes('ports')

const distinct = (addresses: readonly Buffer[]) => [
  ...new Map(addresses.map((address) => [address.toString('hex'), address])).values(),
]

/** Whether ports of the machine lead to the endpoint. */
export const hasMappings = ({ elements }: Pick<Holding, 'elements'>) => elements.some(isPort)
