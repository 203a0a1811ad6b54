// What vxlan networks have beyond their bridges: a tunnel each, and the peers behind it.
import { ConetError, declareFailpoints, failpoint, type Network, type PeersBatch } from '@conet/sdk'
import {
  type BridgeExtension,
  type ExtensionWork,
  isLinkName,
  linkName,
  type Machine,
  networkAlias,
  type StandingBridge,
} from '@conet/sdk/bridge-network'
import { KernelError, type Link, type Rtnl } from '@conet/sdk/linux'
import { assertPeers } from './batch-check.ts'
import type { TunnelLinks } from './entries.ts'
import { type PinsOf, TunnelMembers } from './members.ts'
import { planTunnel, prefixes, type TunnelPlan, tunnelName } from './network-plan.ts'
import {
  findTunnel,
  isMendable,
  isTunnel,
  makeTunnel,
  mendTunnel,
  renamedTunnel,
  tunnelFaults,
} from './tunnel-device.ts'
import { hasUnderlay } from './underlay.ts'

declareFailpoints('vxlan:tunnel:link-deleted', 'vxlan:peers:checked', 'vxlan:peers:programmed')

type Tunnel = {
  readonly network: Network
  readonly plan: TunnelPlan
  /** Of the bridge, on each host. */
  readonly gatewayMac: string
  readonly members: TunnelMembers
}

export class Tunnels implements BridgeExtension {
  readonly #tunnels = new Map<string, Tunnel>()

  async ensure(network: Network, bridge: StandingBridge, work: ExtensionWork): Promise<void> {
    const { machine, call } = work
    const plan = planTunnel(network, machine)
    const link = await this.#ensureLink(plan, bridge.index, work)
    const links = tunnelLinks(link, bridge.index)
    const known = this.#tunnels.get(network.id)?.members
    const { rtnl, ports } = machine
    const pinsOf: PinsOf = (macAddresses) => ports.pinsOf(network.id, macAddresses)
    const members = known ?? new TunnelMembers({ rtnl, pinsOf }, bridge, links)
    for (const what of await members.repair(bridge, links)) call.repaired(`tunnel ${plan.name}: ${what}`)
    this.#tunnels.set(network.id, { network, plan, gatewayMac: bridge.plan.macAddress, members })
  }

  async faults(networkId: string, bridge: number, machine: Machine): Promise<string[]> {
    const tunnel = this.#tunnels.get(networkId)
    if (tunnel === undefined) return []
    const { plan, members } = tunnel
    const { rtnl } = machine
    const link = findTunnel(rtnl, plan, bridge)
    if (link === undefined) return [absence(plan, rtnl)]
    const ofLink = [...tunnelFaults(rtnl, link, { plan, bridge }), ...underlayFaults(tunnel, machine)]
    // Those in the bridge went when it was taken out; those of another tunnel say nothing.
    if (link.master !== bridge || !isMendable(rtnl, link, plan)) return ofLink
    try {
      const ofEntries = await members.faults(tunnelLinks(link, bridge))
      return [...ofLink, ...ofEntries.map((what) => `tunnel ${plan.name}: ${what}`)]
    } catch (error) {
      // Deleted while its entries were read.
      if (KernelError.is(error, 'ENODEV')) return [`tunnel ${plan.name} is not there`]
      throw error
    }
  }

  async delete(networkId: string, { rtnl, deletions }: Machine): Promise<void> {
    this.#tunnels.delete(networkId)
    const alias = networkAlias(networkId)
    const link = rtnl.link(tunnelName(networkId)) ?? renamedTunnel(rtnl, alias)
    const bridge = rtnl.link(linkName(prefixes.bridge, networkId))
    const isOwn = (tunnel: Link) => isTunnel(tunnel, alias) || isPortOf(tunnel, bridge)
    if (link !== undefined && isOwn(link)) await deletions.delete(link.index)
    failpoint('vxlan:tunnel:link-deleted')
  }

  async sweep({ rtnl, deletions }: Machine): Promise<void> {
    const tunnels = rtnl.links({ kind: 'vxlan' }).filter(({ name }) => isLinkName(prefixes.tunnel, name))
    const isHalfMade = ({ alias, isUp }: Link) => alias === undefined && !isUp
    // Its bridge comes before it and goes after it: without one, somebody has deleted that, and no list names the network.
    const isOrphan = ({ name }: Link) =>
      rtnl.link(`${prefixes.bridge}${name.slice(prefixes.tunnel.length)}`) === undefined
    const left = tunnels.filter((tunnel) => isHalfMade(tunnel) || isOrphan(tunnel))
    await Promise.all(left.map(({ index }) => deletions.delete(index)))
  }

  /** Throws `failedPrecondition` for a network that is not there, else as TunnelMembers does. */
  async peers(batch: PeersBatch): Promise<void> {
    const tunnel = this.#tunnels.get(batch.networkId)
    if (tunnel === undefined) throw noNetwork(batch.networkId)
    const { plan, gatewayMac } = tunnel
    const { localAddress } = plan
    const checked = { ...batch, set: assertPeers(batch.set, { localAddress, gatewayMac }) }
    failpoint('vxlan:peers:checked')
    await tunnel.members.apply(checked)
    failpoint('vxlan:peers:programmed')
  }

  /** Another instance is in charge, and hears of peers. */
  forgetPeers(): void {
    for (const { members } of this.#tunnels.values()) members.forget()
  }

  async #ensureLink(plan: TunnelPlan, bridge: number, work: ExtensionWork): Promise<TunnelLink> {
    const { machine, call } = work
    const { rtnl, deletions } = machine
    const found = findTunnel(rtnl, plan, bridge)
    // One that has its name back is looked at as any other.
    if (found === undefined) return makeTunnel(plan, bridge, work) ?? this.#ensureLink(plan, bridge, work)
    if (isMendable(rtnl, found, plan)) {
      for (const what of mendTunnel(rtnl, found, { plan, bridge })) call.repaired(what)
      return { index: found.index, macAddress: plan.macAddress }
    }
    await deletions.delete(found.index)
    call.repaired(`tunnel ${plan.name}: it was made anew, since it was another tunnel`)
    return this.#ensureLink(plan, bridge, work)
  }
}

function absence({ name, alias }: TunnelPlan, rtnl: Rtnl): string {
  const renamed = renamedTunnel(rtnl, alias)
  return `tunnel ${name} is ${renamed === undefined ? 'not there' : `called ${renamed.name}`}`
}

/** Somebody has changed what the underlay carries since the network was made. */
function underlayFaults({ network, plan }: Tunnel, machine: Machine): string[] {
  if (!hasUnderlay(machine)) return []
  try {
    const { mtu } = planTunnel(network, machine)
    if (mtu === plan.mtu) return []
    return [`tunnel ${plan.name}: its MTU is ${plan.mtu}, and is to be ${mtu} by that of the underlay now`]
  } catch (error) {
    // It carries too little for this network.
    if (ConetError.is(error, 'invalidArgument')) return [`tunnel ${plan.name}: ${error.message}`]
    throw error
  }
}

type TunnelLink = Pick<Link, 'index' | 'macAddress'>

function tunnelLinks({ index, macAddress }: TunnelLink, bridge: number): TunnelLinks {
  return { tunnel: index, bridge, ownMac: macAddress }
}

/** Somebody has given it another alias, and it is where a tunnel belongs. */
function isPortOf({ kind, master }: Link, bridge: Link | undefined): boolean {
  return kind === 'vxlan' && bridge?.kind === 'bridge' && master === bridge.index
}

function noNetwork(networkId: string): ConetError {
  return new ConetError('failedPrecondition', `peers of network ${networkId}: there is no such network`, {
    help: 'conet reconcile has it made again, and its peers told anew.',
  })
}
