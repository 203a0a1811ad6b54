// Policies and ports of endpoints: brings the table to what calls want, cuts flows that are not allowed any more, and sets
// limits.
import { interfaceSysctl, parsePrefix, writeSysctl } from '../linux/index.ts'
import { Conntrack } from '../linux/netfilter/index.ts'
import type { CreateEndpointParams } from '../protocol/index.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { networkHolding, planEndpointPolicy } from './endpoint-policy.ts'
import { EgressCompiler } from './firewall/egress-compiler.ts'
import {
  elementId,
  emptyHolding,
  type Holding,
  isSameValue,
  type TableElement,
} from './firewall/policy-elements.ts'
import { cutForbidden, cutOver, cutUnmapped, isUdp, type MappedPort, mappedPortOf } from './flow-cuts.ts'
import { FreshPorts } from './fresh-ports.ts'
import type { Machine } from './machine.ts'
import { endpointOwner, networkOwner } from './names.ts'
import { documentOf } from './policy/check.ts'
import { limitsOf, type TrafficLimits } from './policy/limits.ts'
import { parseRange } from './policy/ranges.ts'
import type { EgressPolicy } from './policy/rules.ts'
import { TrafficShaper } from './traffic-shaper.ts'

/** What a call has put in force. */
export type PolicyInForce = {
  /** The call has failed: what was before is in force again. */
  takeBack(): Promise<void>
  /** The call has done its work. */
  settle(): void
}

/** What an endpoint is to have. */
export type PolicyWishes = {
  /** The endpoint is about to be plugged, so nothing of it flows that could be cut before the answer. */
  readonly isPlug?: boolean
  readonly limits: TrafficLimits
  readonly egress: EgressPolicy
  readonly holding: Holding
}

export class Policies {
  readonly #machine: Machine
  readonly shaper: TrafficShaper
  readonly #compiler = new EgressCompiler()
  /** Compiled once for each plan: every policy of a member asks for them. */
  readonly #ofNetworks = new WeakMap<BridgePlan, Holding>()
  #conntrack: Conntrack | undefined
  readonly #freshPorts = new FreshPorts((ports) => this.#cutOverLate(ports))

  constructor(machine: Machine) {
    this.#machine = machine
    this.shaper = new TrafficShaper(machine)
  }

  /** Throws `invalidArgument` that names the fields; changes nothing. */
  async plan(params: CreateEndpointParams, bridge: BridgePlan): Promise<PolicyWishes> {
    const document = documentOf(params.policy)
    const table = this.#machine.policyTable.name
    const limits = limitsOf(document.limits)
    const compiler = this.#compiler
    return { limits, ...(await planEndpointPolicy(params, { document, bridge, table, compiler })) }
  }

  /**
   * Puts policy and ports in force instead of the former ones, in one step. Where there is nothing and nothing is wanted
   * the kernel is not asked. May be repeated.
   */
  async put(params: CreateEndpointParams, bridge: BridgePlan, wishes: PolicyWishes): Promise<PolicyInForce> {
    const { policyTable } = this.#machine
    const owner = endpointOwner(params.endpointId)
    const { holding, egress } = wishes
    if (holding.elements.length === 0 && !policyTable.has(owner)) return nothingInForce
    if (holding.elements.length > 0) await this.#putNetwork(params.network.id, bridge)
    if (holding.elements.some(isPort)) this.#leadFromLoopback(bridge.name)
    const before = await policyTable.put(owner, holding)
    const isFresh = wishes.isPlug === true && before.elements.length === 0
    if (!isFresh) await this.#cut(before, holding, { params, egress })
    return {
      takeBack: async () => {
        const after = await policyTable.put(owner, before)
        await this.#cutPorts(after, before)
      },
      settle: () => {
        if (isFresh) this.#freshPorts.add(owner, portsOf(holding))
      },
    }
  }

  /** Nothing of the endpoint is left in the table. May be repeated; costs nothing where there was nothing. */
  async delete(endpointId: string): Promise<void> {
    const owner = endpointOwner(endpointId)
    this.#freshPorts.delete(owner)
    if (!this.#machine.policyTable.has(owner)) return
    await this.#cutPorts(await this.#machine.policyTable.put(owner, emptyHolding), emptyHolding)
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
    await this.#compiler.close()
    await this.#freshPorts.close()
    await this.#conntrack?.close()
    this.#conntrack = undefined
  }

  async #putNetwork(networkId: string, bridge: BridgePlan): Promise<void> {
    const { policyTable } = this.#machine
    const holding = this.#ofNetworks.get(bridge) ?? networkHolding(bridge, policyTable.name)
    this.#ofNetworks.set(bridge, holding)
    await policyTable.put(networkOwner(networkId), holding)
  }

  /** So that what the machine sends from 127.0.0.1 may leave by the bridge. What comes in to such addresses the firewall drops. */
  #leadFromLoopback(interfaceName: string): void {
    writeSysctl(undefined, {
      key: interfaceSysctl('ipv4', { interfaceName, setting: 'route_localnet' }),
      value: 1,
    })
  }

  /** Nobody waits for it. */
  async #cutOverLate(ports: readonly MappedPort[]): Promise<void> {
    try {
      await cutOver(this.#flows(), this.#machine.rtnl, ports)
    } catch (error) {
      const message = `flows to new ports go on as before: ${error instanceof Error ? error.message : error}`
      this.#machine.host.log({ level: 'warn', message })
    }
  }

  async #cut(
    before: Holding,
    after: Holding,
    { params, egress }: { params: CreateEndpointParams; egress: EgressPolicy },
  ): Promise<void> {
    const isJudgedAnew = differing(before, after).some(isSource) || differing(after, before).some(isSource)
    if (isJudgedAnew) {
      const addresses = params.interface.addresses.map((text) => parsePrefix(text).bytes)
      const ownNetwork = params.network.subnets.map(({ subnet }) => parseRange(subnet))
      await cutForbidden(this.#flows(), egress, { addresses, ownNetwork })
    }
    await this.#cutPorts(before, after)
  }

  async #cutPorts(before: Holding, after: Holding): Promise<void> {
    const removed = portsOf({ elements: differing(before, after) })
    const added = portsOf({ elements: differing(after, before) })
    if (removed.length > 0) await cutUnmapped(this.#flows(), removed)
    if (added.some(isUdp)) await cutOver(this.#flows(), this.#machine.rtnl, added)
  }

  #flows(): Conntrack {
    this.#conntrack ??= Conntrack.open()
    return this.#conntrack
  }
}

const nothingInForce: PolicyInForce = { takeBack: async () => undefined, settle: () => undefined }

const portsOf = ({ elements }: Pick<Holding, 'elements'>) =>
  elements.flatMap((element) => mappedPortOf(element) ?? [])

const isPort = ({ map }: TableElement) => map.includes('ports')
const isSource = ({ map }: TableElement) => map.startsWith('sources')

/** What of the one the other does not have so. */
function differing({ elements }: Holding, other: Holding): TableElement[] {
  const others = new Map(other.elements.map((element) => [elementId(element), element]))
  return elements.filter((element) => {
    const same = others.get(elementId(element))
    return same === undefined || !isSameValue(same.value, element.value)
  })
}
