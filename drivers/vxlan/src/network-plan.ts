// What a network should look like on this host: its bridge, and the tunnel that is one of its ports.
import type { Network } from '@conet/sdk'
import {
  type BridgePlan,
  isIpv6,
  leastIpv6Mtu,
  linkName,
  type Machine,
  macOfPort,
  networkAlias,
  planBridge,
} from '@conet/sdk/bridge-network'
import { invalid, parseConfig, type VxlanConfig } from './config.ts'
import { findUnderlay, type Underlay } from './underlay.ts'

/** How the names of the driver's links begin. */
export const prefixes = { bridge: 'cnx', port: 'cnw', shaper: 'cnj', tunnel: 'cnt' } as const

export type TunnelPlan = Pick<VxlanConfig, 'vni' | 'vniField' | 'port'> & {
  readonly name: string
  readonly alias: string
  /** The same on all hosts: nobody sends to it. */
  readonly macAddress: string
  readonly localAddress: string
  readonly mtu: number
}

export function tunnelName(networkId: string): string {
  return linkName(prefixes.tunnel, networkId)
}

/**
 * No port learns: which MAC is where the plug says, or the directory; so nobody takes the MAC of another. What goes to
 * a MAC that nobody has goes nowhere.
 */
const memberPort = {
  flags: { isolated: false, hairpin: false, learning: false, unicastFlood: false },
  isPinned: true,
} as const

/** Throws `invalidArgument` that names what is wrong: a member of `config`, or the underlay. */
export function planNetwork(network: Network, machine: Machine): BridgePlan {
  const config = parseConfig(network)
  const { tunnelMtu } = findUnderlay(machine)
  const { macAddress, masquerade, hostAccess, hostServices, egress } = config
  const mtu = mtuOf(network, config, tunnelMtu)
  const wishes = {
    mtu,
    macAddress,
    icc: true,
    masquerade,
    hostAccess,
    hostServices,
    egress,
    port: memberPort,
    // Those of peers.
    hasOwnNeighbours: true,
  }
  return planBridge(network, wishes, machine)
}

/** Throws as `planNetwork` does. */
export function planTunnel(network: Network, machine: Machine): TunnelPlan {
  const config = parseConfig(network)
  const { address, tunnelMtu }: Underlay = findUnderlay(machine)
  const { vni, vniField, port } = config
  return {
    name: tunnelName(network.id),
    alias: networkAlias(network.id),
    macAddress: macOfPort(network.id),
    localAddress: address,
    mtu: mtuOf(network, config, tunnelMtu),
    vni,
    vniField,
    port,
  }
}

function mtuOf({ subnets }: Network, { mtu }: Pick<VxlanConfig, 'mtu'>, most: number): number {
  const path = mtu === undefined ? 'underlayAddress' : 'config.mtu'
  if (mtu !== undefined && mtu > most) {
    throw invalid([{ path, message: `must be at most ${most}: the underlay carries no larger packets` }])
  }
  const chosen = mtu ?? most
  const hasIpv6 = subnets.some(({ subnet }) => isIpv6(subnet))
  if (hasIpv6 && chosen < leastIpv6Mtu) {
    const message = `leaves ${chosen} bytes, and a network with an IPv6 subnet needs ${leastIpv6Mtu}`
    throw invalid([{ path, message }])
  }
  return chosen
}
