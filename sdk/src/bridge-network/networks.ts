// The networks of this process's life: makes and deletes them in the kernel, and knows the bridge of each for plugs.
import type { Call } from '../driver/index.ts'
import { ConetError } from '../errors/index.ts'
import { declareFailpoints, failpoint } from '../failpoint.ts'
import type { Link, Rtnl } from '../linux/index.ts'
import type { Network, NetworkFault } from '../protocol/index.ts'
import { Rollback } from '../rollback.ts'
import { AddressHistory } from './address-history.ts'
import { macOfNetwork } from './addressing.ts'
import { bridgeFaults, findBridge, makeBridge, mendBridge, renameLink } from './bridge-device.ts'
import { type BridgePlan, forwardingOf } from './bridge-plan.ts'
import { settingFaults } from './bridge-settings.ts'
import { faultText } from './fault-text.ts'
import { enableForwarding } from './forwarding.ts'
import { listNetworks, tableFault } from './inventory.ts'
import type { BridgeNetworkKind, StandingBridge } from './kind.ts'
import type { Machine } from './machine.ts'
import { networkOwner, pairsOwner } from './names.ts'
import { mendNeighbours, neighbourFaults } from './neighbours.ts'
import type { MtuChange } from './plugged-ports.ts'
import type { Policies } from './policies.ts'

declareFailpoints(
  'bridge:network:firewall-set',
  'bridge:network:ports-deleted',
  'bridge:network:link-deleted',
)

export class Networks {
  readonly #machine: Machine
  readonly #kind: BridgeNetworkKind
  readonly #policies: Policies
  readonly #known = new Map<string, StandingBridge>()

  constructor(machine: Machine, { kind, policies }: { kind: BridgeNetworkKind; policies: Policies }) {
    this.#machine = machine
    this.#kind = kind
    this.#policies = policies
  }

  /** Makes the network, or compares what is there with what should be and mends it. Answers a change of its MTU. */
  async create(network: Network, call: Call): Promise<MtuChange | undefined> {
    const { rtnl } = this.#machine
    const former = this.#known.get(network.id)?.plan
    const plan = this.#kind.plan(network, this.#machine)
    const found = findBridge(this.#machine, network.id, plan) ?? this.#nameBack(network.id, plan, call)
    await using undo = new Rollback()
    // First, so that nothing can reach the network before it is kept apart.
    this.#setFirewall(plan, { undo, call, isNew: found === undefined })
    failpoint('bridge:network:firewall-set')
    const bridge = found ?? makeBridge(rtnl, plan, undo)
    if (found !== undefined) for (const what of await mendFound(rtnl, found, plan)) call.repaired(what)
    const ofPassage = this.#policies.pairs.mend(network.id)
    if (found !== undefined) for (const what of ofPassage) call.repaired(what)
    for (const what of enableForwarding(rtnl, forwardingOf(plan))) {
      if (found === undefined) call.log('info', `forwarding: ${what}`)
      else call.repaired(what)
    }
    const history =
      this.#known.get(network.id)?.history ?? new AddressHistory({ isWhole: found === undefined })
    const standing = { index: bridge.index, plan, history }
    await this.#kind.extension?.ensure(network, standing, { machine: this.#machine, undo, call })
    await this.#policies.createNetwork(network.id, plan)
    undo.commit()
    this.#known.set(network.id, standing)
    return former === undefined || former.mtu === plan.mtu ? undefined : { from: former.mtu, to: plan.mtu }
  }

  async delete(networkId: string): Promise<void> {
    const { rtnl, names, deletions, firewall } = this.#machine
    const macAddress = this.#known.get(networkId)?.plan.macAddress ?? macOfNetwork(networkId)
    this.#known.delete(networkId)
    await this.#kind.extension?.delete(networkId, this.#machine)
    const name = names.bridge(networkId)
    const link = rtnl.link(name)
    if (link !== undefined && !names.isBridgeOf(link, { id: networkId, macAddress })) return
    if (link !== undefined) {
      const ports = rtnl.links({ master: link.index }).filter((port) => names.isPort(port))
      await Promise.all(ports.map(({ index }) => deletions.delete(index)))
      failpoint('bridge:network:ports-deleted')
      await deletions.delete(link.index)
    }
    failpoint('bridge:network:link-deleted')
    await this.#policies.deleteNetwork(networkId)
    firewall.delete(name)
  }

  /** The bridge for a plug: as remembered, or `anew` from the kernel. Throws `failedPrecondition` when there is none. */
  bridgeOf(network: Network, { anew = false } = {}): StandingBridge {
    const known = this.#known.get(network.id)
    if (known !== undefined && !anew) return known
    const plan = known?.plan ?? this.#kind.plan(network, this.#machine)
    const link = findBridge(this.#machine, network.id, plan)
    if (link === undefined) throw noBridge(network, plan.name)
    const history = known?.history ?? new AddressHistory({ isWhole: false })
    const bridge = { index: link.index, plan, history }
    this.#known.set(network.id, bridge)
    return bridge
  }

  /** As the kernel has them. */
  list(): string[] {
    const known = [...this.#known].map(
      ([
        id,
        {
          plan: { name, macAddress },
        },
      ]) => [name, { id, macAddress }] as const,
    )
    return listNetworks(this.#machine, new Map(known))
  }

  /** Of those that this process was told of. Changes nothing. */
  async faults(): Promise<NetworkFault[]> {
    const found: NetworkFault[] = []
    const ofTables = this.#tableFaults()
    for (const [networkId, { plan }] of [...this.#known]) {
      const fault = faultText([...(await this.#faultsOf(networkId, plan)), ...ofTables(networkId)])
      // Somebody may have deleted it meanwhile.
      if (fault !== undefined && this.#known.has(networkId)) found.push({ networkId, fault })
    }
    return found
  }

  /** Whether the kernel has the bridge that a plug was given. */
  isCurrent({ index, plan }: StandingBridge): boolean {
    return this.#machine.rtnl.link(plan.name)?.index === index
  }

  /** The driver mends them by itself, within two seconds. */
  #tableFaults(): (networkId: string) => string[] {
    const { firewall, policyTable } = this.#machine
    const ofAll = firewall.isChanged() ? ['the firewall table was changed or flushed'] : []
    const damaged = policyTable.damagedOwners()
    return (networkId) =>
      damaged.has(networkOwner(networkId)) || damaged.has(pairsOwner(networkId))
        ? [...ofAll, tableFault(this.#machine)]
        : ofAll
  }

  async #faultsOf(networkId: string, plan: BridgePlan): Promise<string[]> {
    try {
      const bridge = findBridge(this.#machine, networkId, plan)
      if (bridge === undefined) {
        const renamed = this.#renamed(networkId, plan)
        return [`bridge ${plan.name} is ${renamed === undefined ? 'not there' : `called ${renamed.name}`}`]
      }
      const { rtnl } = this.#machine
      const ofNeighbours = await neighbourFaults(rtnl, bridge.index, plan)
      const ofBridge = [
        ...bridgeFaults(rtnl, bridge, plan),
        ...ofNeighbours.map((what) => `bridge ${plan.name} ${what}`),
        ...settingFaults(plan),
        ...this.#policies.pairs.faults(networkId, bridge.index),
      ]
      const others = await this.#kind.extension?.faults(networkId, bridge.index, this.#machine)
      return [...ofBridge, ...(others ?? [])]
    } catch (error) {
      // Of one network; the others are looked at all the same.
      if (ConetError.is(error, 'conflict')) return [error.message]
      throw error
    }
  }

  /** The bridge that this process knows, where somebody has given it another name. */
  #renamed(networkId: string, { alias }: BridgePlan): Link | undefined {
    const known = this.#known.get(networkId)
    const link = known && this.#machine.rtnl.link(known.index)
    return link?.kind === 'bridge' && link.alias === alias ? link : undefined
  }

  /** Two bridges with the same gateway would both be deaf. */
  #nameBack(networkId: string, plan: BridgePlan, call: Call): Link | undefined {
    const link = this.#renamed(networkId, plan)
    if (link === undefined) return undefined
    const { index, name } = link
    renameLink(this.#machine.rtnl, index, plan.name)
    call.repaired(`bridge ${plan.name}: it was called ${name}`)
    return this.#machine.rtnl.link(index)
  }

  #setFirewall(
    { name, policy }: BridgePlan,
    { undo, call, isNew }: { undo: Rollback; call: Call; isNew: boolean },
  ): void {
    const { firewall } = this.#machine
    if (firewall.repair()) call.repaired('the firewall table was changed or flushed')
    if (firewall.has(name, policy)) return
    firewall.set(name, policy)
    if (isNew) undo.defer(`forget ${name} in the firewall`, () => firewall.delete(name))
    else call.repaired(`bridge ${name}: the firewall did not know it so`)
  }
}

async function mendFound(rtnl: Rtnl, bridge: Link, plan: BridgePlan): Promise<string[]> {
  const ofBridge = mendBridge(rtnl, bridge, plan)
  const ofNeighbours = await mendNeighbours(rtnl, bridge.index, plan)
  return [...ofBridge, ...ofNeighbours.map((what) => `bridge ${plan.name}: ${what}`)]
}

function noBridge({ id }: Network, name: string): ConetError {
  return new ConetError('failedPrecondition', `network ${id}: its bridge "${name}" does not exist`, {
    help: 'conet reconcile makes the bridge anew; conetd does so by itself when it looks next.',
  })
}
