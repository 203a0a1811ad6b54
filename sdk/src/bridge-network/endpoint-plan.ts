// What a plug should make of an endpoint: both ends of its veth, addresses and routes. Computed before the kernel is
// touched, so that wrong input does nothing.
import { ConetError } from '../errors/index.ts'
import { interfaceNameFault, parsePrefix, type Rtnl } from '../linux/index.ts'
import type { PlugParams, PlugResult, Route } from '../protocol/index.ts'
import { gatewayFor, hasIpv6, isIpv6, linkLocalOf, macOfPort } from './addressing.ts'
import type { BridgePlan } from './bridge-plan.ts'
import type { Machine } from './machine.ts'
import { endpointAlias } from './names.ts'

export type EndpointPlan = {
  readonly endpointId: string
  /** The host's side. */
  readonly port: {
    readonly name: string
    readonly alias: string
    readonly macAddress: string
  } & BridgePlan['port']
  readonly mtu: number
  /** The sandbox's side. */
  readonly interfaceName: string
  readonly macAddress: string
  /** As the host gave them, with prefix. */
  readonly addresses: readonly string[]
  /** Undefined where the link is too small for IPv6. */
  readonly linkLocal: string | undefined
  /** Default routes first. */
  readonly routes: readonly Route[]
  readonly sandboxPath: string
}

/** Throws `invalidArgument` for what is no address or no interface name. */
export function planEndpoint(
  params: PlugParams,
  bridge: Pick<BridgePlan, 'macAddress' | 'mtu' | 'port' | 'gateways'>,
  { names }: Pick<Machine, 'names'>,
): EndpointPlan {
  const { endpointId, network, interface: wanted, sandbox } = params
  const addresses = checkInterface(params)
  refuseMacOf(bridge, wanted.macAddress)
  const mtu = wanted.mtu ?? bridge.mtu
  const ref = { networkId: network.id, endpointId }
  return {
    endpointId,
    port: {
      name: names.port(endpointId),
      alias: endpointAlias(ref),
      macAddress: macOfPort(endpointId),
      flags: portFlags(bridge.port.flags, params),
      isPinned: bridge.port.isPinned,
    },
    mtu,
    interfaceName: wanted.name,
    macAddress: wanted.macAddress,
    addresses: wanted.addresses,
    linkLocal: hasIpv6(mtu) ? linkLocalOf(wanted.macAddress) : undefined,
    routes: [...(wanted.defaultRoute ? defaultRoutes(addresses, bridge) : []), ...wanted.routes],
    sandboxPath: sandbox.path,
  }
}

/**
 * A member reaches its own port of the machine only if the bridge sends frames back to where they came from: with
 * bridge-nf-call-iptables they are not routed.
 */
export function portFlags(
  flags: BridgePlan['port']['flags'],
  { portMappings = [] }: Pick<PlugParams, 'portMappings'>,
): BridgePlan['port']['flags'] {
  return portMappings.length === 0 ? flags : { ...flags, hairpin: true }
}

/** Frames for the gateway would go to the endpoint, on other machines of the network too. */
function refuseMacOf(bridge: Pick<BridgePlan, 'macAddress'>, macAddress: string): void {
  if (macAddress.toLowerCase() !== bridge.macAddress) return
  throw invalid('interface.macAddress', 'is that of the network’s gateway')
}

/**
 * Throws `invalidArgument` for an interface whose largest packets the network would lose. One that is plugged keeps its
 * MTU: that of the network may have become smaller since.
 */
export function assertCarried(
  rtnl: Pick<Rtnl, 'link'>,
  { mtu, port }: EndpointPlan,
  { mtu: most }: Pick<BridgePlan, 'mtu'>,
): void {
  if (mtu <= most || rtnl.link(port.name) !== undefined) return
  throw invalid('interface.mtu', `must be at most ${most}, the MTU of the network: larger packets are lost`)
}

/** For each family the gateway of the subnet in which the first address lies that has one. */
function defaultRoutes(
  addresses: readonly Uint8Array[],
  { gateways: subnets }: Pick<BridgePlan, 'gateways'>,
): Route[] {
  const gateways = addresses.flatMap((address) => gatewayFor(address, subnets) ?? [])
  const ipv4 = gateways.find((gateway) => !isIpv6(gateway))
  const ipv6 = gateways.find(isIpv6)
  return [
    ...(ipv4 === undefined ? [] : [{ destination: '0.0.0.0/0', gateway: ipv4 }]),
    ...(ipv6 === undefined ? [] : [{ destination: '::/0', gateway: ipv6 }]),
  ]
}

export function isDefault(destination: string): boolean {
  return destination === '0.0.0.0/0' || destination === '::/0'
}

export function resultOf({ interfaceName, macAddress, addresses, mtu, routes }: EndpointPlan): PlugResult {
  return {
    interfaces: [
      {
        configuredBy: 'driver',
        name: interfaceName,
        macAddress,
        addresses: [...addresses],
        mtu,
        routes: [...routes],
        exact: true,
      },
    ],
  }
}

/**
 * What the schema of the protocol cannot say; the toolkit would take it for a bug of the caller. Answers the bytes of
 * the addresses.
 */
function checkInterface({ interface: { name, addresses, routes } }: PlugParams): Uint8Array[] {
  const nameFault = interfaceNameFault(name)
  if (nameFault !== undefined) throw invalid('interface.name', nameFault)
  for (const [at, { destination, gateway, source }] of routes.entries()) {
    const path = `interface.routes[${at}]`
    parseAt(`${path}.destination`, destination)
    if (gateway !== undefined) parseAt(`${path}.gateway`, gateway)
    if (source !== undefined) parseAt(`${path}.source`, source)
  }
  return addresses.map((address, at) => parseAt(`interface.addresses[${at}]`, address))
}

function parseAt(path: string, text: string): Uint8Array {
  try {
    return parsePrefix(text).bytes
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error))
  }
}

function invalid(path: string, message: string): ConetError {
  return new ConetError('invalidArgument', `plug: ${path}: ${message}`, { fields: [{ path, message }] })
}
