// Policies and ports of endpoints: brings the table to what calls want, has flows cut that are not allowed any more, and sets
// limits.
import { hasFlows } from '../linux/netfilter/index.ts'
import type { CreateEndpointParams, PolicyParams } from '../protocol/index.ts'
import { Rollback } from '../rollback.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { networkHolding, planEndpointPolicy } from './endpoint-policy.ts'
import { EgressCompiler } from './firewall/egress-compiler.ts'
import { differing, emptyHolding, type Holding, type TableElement } from './firewall/policy-elements.ts'
import { FlowReview } from './flow-review.ts'
import { FreshPorts } from './fresh-ports.ts'
import { LeftFlows } from './left-flows.ts'
import { leadFromLoopback } from './loopback.ts'
import type { Machine } from './machine.ts'
import { endpointOwner, networkOwner } from './names.ts'
import { checkPorts, documentOf } from './policy/check.ts'
import { limitsOf, type TrafficLimits } from './policy/limits.ts'
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
  readonly egress: () => EgressPolicy
  readonly holding: Holding
}

export class Policies {
  readonly #machine: Machine
  readonly shaper: TrafficShaper
  readonly #compiler = new EgressCompiler()
  /** Compiled once for each plan: every policy of a member asks for them. */
  readonly #ofNetworks = new WeakMap<BridgePlan, Holding>()
  readonly #flows: PolicyFlows
  readonly #leftFlows: LeftFlows
  readonly #review: FlowReview
  readonly #freshPorts: FreshPorts

  constructor(machine: Machine) {
    this.#machine = machine
    this.shaper = new TrafficShaper(machine)
    this.#flows = new PolicyFlows(machine)
    this.#freshPorts = new FreshPorts(this.#flows)
    const conntrack = () => this.#flows.conntrack()
    this.#leftFlows = new LeftFlows(conntrack)
    const ports = () => portsOf({ elements: [...machine.policyTable.elements()] })
    this.#review = new FlowReview({ machine, conntrack, ports })
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
    const table = this.#machine.policyTable.name
    const limits = limitsOf(document.limits)
    const compiler = this.#compiler
    return { limits, ...(await planEndpointPolicy(params, { document, bridge, table, compiler })) }
  }

  /**
   * Puts policy and ports in force instead of the former ones, in one step. Where there is nothing and nothing is wanted
   * the kernel is not asked. May be repeated.
   */
  async put(params: PolicyParams, bridge: BridgePlan, wishes: PolicyWishes): Promise<PolicyInForce> {
    const { policyTable } = this.#machine
    const owner = endpointOwner(params.endpointId)
    const { holding, egress } = wishes
    const isNothing = holding.elements.length === 0 && !policyTable.has(owner)
    if (isNothing) return this.#nothingInForce(params, bridge)
    if (holding.elements.length > 0) await this.#putNetwork(params.network.id, bridge)
    if (hasMappings(holding)) leadFromLoopback(bridge.name)
    const before = await policyTable.put(owner, holding)
    const isFresh = wishes.isPlug === true && before.elements.length === 0
    const unknow = this.#review.know(params.endpointId, { params, bridge })
    this.#freshPorts.change(owner, portsOf(holding))
    const takeBack = async () => {
      unknow()
      this.#freshPorts.change(owner, portsOf(before))
      const after = await policyTable.put(owner, before)
      await this.#flows.cutPorts(after, before)
    }
    await using undo = new Rollback()
    undo.defer(`take back the policy of ${owner}`, takeBack)
    if (!isFresh) await this.#flows.cut(before, holding, { params, egress })
    else if (wishes.isUsedAddress === true && holding.elements.some(isSource) && hasFlows())
      await this.#review.of(addressesOfParams(params))
    undo.commit()
    return {
      takeBack,
      settle: async () => {
        if (isFresh) await this.#freshPorts.add(owner, portsOf(holding))
        await this.#judgeLost(params.endpointId)
      },
    }
  }

  #nothingInForce(params: PolicyParams, bridge: BridgePlan): PolicyInForce {
    const unknow = this.#review.know(params.endpointId, { params, bridge })
    return { takeBack: async () => unknow(), settle: () => this.#judgeLost(params.endpointId) }
  }

  /** What began while the tables were gone and no driver was there, once all that come back are known again. Does not fail. */
  async #judgeLost(endpointId: string): Promise<void> {
    if (this.#machine.unjudged.isDue(endpointId)) await this.#review.ofAll()
  }

  /** Nothing of the endpoint is left in the table, and no flow of it. May be repeated; costs nothing where there was nothing. */
  async delete(endpointId: string): Promise<void> {
    const owner = endpointOwner(endpointId)
    this.#review.forget(endpointId)
    this.#freshPorts.delete(owner)
    await this.#judgeLost(endpointId)
    const { policyTable } = this.#machine
    const isThere = policyTable.has(owner)
    if (!isThere && !this.#leftFlows.mayBeOf(endpointId)) return
    const { elements } = isThere ? await policyTable.put(owner, emptyHolding) : emptyHolding
    await this.#leftFlows.cut(endpointId, addressesIn(elements))
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
  }

  async close(): Promise<void> {
    this.#machine.unjudged.leave()
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

/** Whether ports of the machine lead to the endpoint. */
export const hasMappings = ({ elements }: Pick<Holding, 'elements'>) => elements.some(isPort)
