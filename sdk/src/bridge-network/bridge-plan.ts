// What a network should look like in the kernel: computed from the network and from what its driver makes of its config.
import { ConetError } from '../errors/index.ts'
import { parsePrefix } from '../linux/index.ts'
import type { Network } from '../protocol/index.ts'
import {
  type GatewaySubnet,
  gatewaySubnets,
  hasIpv6,
  isIpv6,
  linkLocalOf,
  macOfNetwork,
} from './addressing.ts'
import type { HostService } from './firewall/host-services.ts'
import { type Policy, policyOf } from './firewall/policy.ts'
import type { Machine } from './machine.ts'
import { networkAlias } from './names.ts'
import { type EgressPlan, openEgress } from './policy/rules.ts'
import type { PortFlags } from './port.ts'

/** What the bridge does at each of its ports. */
export type PortPlan = {
  readonly flags: Required<Pick<PortFlags, 'isolated' | 'hairpin'>> & PortFlags
  /** True: the bridge knows from the plug on which MAC is behind the port. For ports that learn nothing. */
  readonly isPinned: boolean
}

/** All that a bridge should be. */
export type BridgePlan = {
  readonly name: string
  readonly alias: string
  readonly macAddress: string
  readonly mtu: number
  readonly internal: boolean
  /** Of the bridge, with prefix. */
  readonly addresses: readonly string[]
  /** Where default routes of members lead. */
  readonly gateways: readonly GatewaySubnet[]
  readonly policy: Policy
  /** What members may send to where, without rules of their own. */
  readonly egress: EgressPlan
  readonly port: PortPlan
  /** Permanent neighbours of the bridge are the driver's own, which compares them itself. */
  readonly hasOwnNeighbours: boolean
}

/** What a driver makes of a network's `config`. */
export type BridgeWishes = {
  readonly mtu: number
  /** Of the bridge, which is the gateway. Undefined: made of the network's id. */
  readonly macAddress: string | undefined
  /** Whether members reach each other. */
  readonly icc: boolean
  /** Whether what leaves the machine carries the machine's address. */
  readonly masquerade: boolean
  /** Whether members reach the machine itself. Default: yes. */
  readonly hostAccess?: boolean
  /** What of it they reach where they do not. Default: nothing. */
  readonly hostServices?: readonly HostService[]
  /** What members may send to where. Default: whatever they like. */
  readonly egress?: EgressPlan
  readonly port: PortPlan
  /** Whether permanent neighbours of the bridge are the driver's own, which compares them itself. Default: no. */
  readonly hasOwnNeighbours?: boolean
}

/** The bridge of a network as a driver wishes it. Throws `invalidArgument` for wishes that exclude each other. */
export function planBridge(
  network: Network,
  {
    mtu,
    macAddress = macOfNetwork(network.id),
    icc,
    masquerade,
    hostAccess = true,
    hostServices = [],
    egress = openEgress,
    port,
    hasOwnNeighbours = false,
  }: BridgeWishes,
  { names }: Pick<Machine, 'names'>,
): BridgePlan {
  const { id, internal, subnets } = network
  if (internal && hostServices.length > 0) throw servicesOfInternal()
  return {
    name: names.bridge(id),
    alias: networkAlias(id),
    macAddress,
    mtu,
    internal,
    addresses: internal ? [] : gatewayAddresses(network, macAddress),
    gateways: internal ? [] : gatewaySubnets(subnets),
    policy: policyOf({ internal, icc, masquerade, hostAccess, hostServices }),
    egress,
    port,
    hasOwnNeighbours,
  }
}

function servicesOfInternal(): ConetError {
  const field = {
    path: 'config.host_services',
    message: 'cannot be given: the network is internal, and its members reach nothing of the machine',
  }
  return new ConetError('invalidArgument', `network: ${field.path} ${field.message}`, { fields: [field] })
}

function gatewayAddresses({ subnets }: Network, macAddress: string): string[] {
  const gateways = subnets.flatMap(({ subnet, gateway }) =>
    gateway === undefined ? [] : [`${gateway}/${parsePrefix(subnet).prefixLength}`],
  )
  if (!gateways.some(isIpv6)) return gateways
  // A router asks for its neighbours from a link-local address: without one it reaches nobody for others.
  return [...gateways, linkLocalOf(macAddress)]
}

/** Which families the machine forwards for the network. */
export function forwardingOf({ name, addresses, mtu }: BridgePlan) {
  return {
    bridge: name,
    ipv4: addresses.some((address) => !isIpv6(address)),
    ipv6: hasIpv6(mtu) && addresses.some(isIpv6),
  }
}
