// What a network should look like in the kernel: computed from the network and nothing else but the machine's MTU.
import type { Network } from '@conet/sdk'
import { type BridgePortChange, MAIN_TABLE, parsePrefix, type Route, type Rtnl } from '@conet/sdk/linux'
import {
  type GatewaySubnet,
  gatewaySubnets,
  hasIpv6,
  isIpv6,
  linkLocalOf,
  macOfNetwork,
} from './addressing.ts'
import { parseConfig } from './config.ts'
import { type Policy, policyOf } from './firewall/policy.ts'
import { bridgeName, networkAlias } from './names.ts'

const ethernetMtu = 1500

/** An address of the bridge, and the subnet to which it makes a route. */
export type BridgeAddress = { readonly address: string; readonly subnet: string }

export type BridgePlan = {
  readonly name: string
  readonly alias: string
  readonly macAddress: string
  readonly mtu: number
  readonly internal: boolean
  readonly addresses: readonly BridgeAddress[]
  /** Where default routes of members lead. */
  readonly gateways: readonly GatewaySubnet[]
  readonly policy: Policy
  /** What the bridge does at each of its ports. */
  readonly port: Required<Pick<BridgePortChange, 'isolated' | 'hairpin'>>
}

/** Throws `invalidArgument` when the network's `config` is wrong. */
export function planBridge(network: Network, rtnl: Rtnl): BridgePlan {
  const config = parseConfig(network)
  const { internal } = network
  const macAddress = config.macAddress ?? macOfNetwork(network.id)
  return {
    name: bridgeName(network.id),
    alias: networkAlias(network.id),
    macAddress,
    mtu: config.mtu ?? mtuOfWayOut(rtnl),
    internal,
    addresses: internal ? [] : gatewayAddresses(network, macAddress),
    gateways: internal ? [] : gatewaySubnets(network.subnets),
    policy: policyOf({ internal, icc: config.icc, masquerade: config.masquerade }),
    port: { isolated: !config.icc, hairpin: config.hairpin },
  }
}

function gatewayAddresses({ subnets }: Network, macAddress: string): BridgeAddress[] {
  const gateways = subnets.flatMap(({ subnet, gateway }) =>
    gateway === undefined ? [] : [{ address: `${gateway}/${parsePrefix(subnet).prefixLength}`, subnet }],
  )
  if (!gateways.some(({ address }) => isIpv6(address))) return gateways
  // A router asks for its neighbours from a link-local address: without one it reaches nobody for others.
  return [...gateways, { address: linkLocalOf(macAddress), subnet: 'fe80::/64' }]
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

/** Which families the machine forwards for the network. */
export function forwardingOf({ name, addresses, mtu }: BridgePlan) {
  return {
    bridge: name,
    ipv4: addresses.some(({ address }) => !isIpv6(address)),
    ipv6: hasIpv6(mtu) && addresses.some(({ address }) => isIpv6(address)),
  }
}
