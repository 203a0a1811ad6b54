// What a network's `config` makes of its bridge.
import type { Network } from '@conet/sdk'
import { type BridgePlan, type Machine, planBridge } from '@conet/sdk/bridge-network'
import { MAIN_TABLE, type Route, type Rtnl } from '@conet/sdk/linux'
import { parseConfig } from './config.ts'

const ethernetMtu = 1500

/** Throws `invalidArgument` when the network's `config` is wrong. */
export function planNetwork(network: Network, machine: Machine): BridgePlan {
  const { mtu, hairpin, ...config } = parseConfig(network)
  const port = { flags: { isolated: !config.icc, hairpin }, isPinned: false }
  const wishes = { ...config, mtu: mtu ?? mtuOfWayOut(machine.rtnl), port }
  return planBridge(network, wishes, machine)
}

/** The MTU of the link with the default route, so that packets of members fit on their way. */
function mtuOfWayOut(rtnl: Rtnl): number {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const [best] = rtnl
      .routes({ table: MAIN_TABLE, family })
      .filter(isDefault)
      .sort((one, other) => (one.metric ?? 0) - (other.metric ?? 0))
    const link = best?.link === undefined ? undefined : rtnl.link(best.link)
    if (link !== undefined) return link.mtu
  }
  return ethernetMtu
}

function isDefault({ destination, link, type }: Route): boolean {
  return destination.endsWith('/0') && link !== undefined && type === 'unicast'
}
