// What is left to the host in a sandbox: interfaces that the driver does not configure, and source routing where one
// container has several endpoints in one network, or the default route goes another way. `settle` at plug, `unsettle`
// before unplug.
import type { PluggedInterface, PlugResult } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import type { SandboxRecord } from '../domain/container.ts'
import { asHeld, type EndpointRecord, interfaceNames, isInSandbox } from '../domain/endpoint.ts'
import { hasWayOut, type NetworkRecord, shareInterface } from '../domain/network.ts'
import {
  assertCanBringIn,
  bringIn,
  forgetFormerRouting,
  forgetSourceRouting,
  interfaceMtus,
  isLeftToHost,
  isSandboxGone,
  leftToHost,
  mend,
  removeRest,
  routeBySource,
} from '../sandbox/index.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { assertSensible } from './plug-answer.ts'
import { takeOut } from './returned-links.ts'

type Placed = { endpoint: EndpointRecord; network: NetworkRecord; sandbox: SandboxRecord }

/** Throws when the answer to a plug is not to be acted on. Changes nothing. */
export function assertAnswer(
  host: HostContext,
  { endpoint, network, sandbox }: Placed,
  result: PlugResult,
): void {
  assertSensible(result, {
    endpointId: endpoint.id,
    driver: network.type,
    wanted: endpoint.interface,
    former: endpoint.state === 'plugged' ? endpoint.result : undefined,
    taken: new Set(apartInSandbox(host, { endpoint, network }).flatMap(interfaceNames)),
    isShared: network.sandbox === 'private',
  })
  if (endpoint.state === 'plugging') assertCanBringIn(sandbox.path, result.interfaces)
}

/** Whether there is anything for the host to do in the sandbox after such an answer. */
export function isHostNeeded(
  host: HostContext,
  endpoint: EndpointRecord,
  { interfaces }: PlugResult,
): boolean {
  if (interfaces.length === 0) return false
  return leftToHost(interfaces).length > 0 || hasOwnTable(host, endpoint)
}

/** When it fails, what it has not taken back itself is taken back by `unsettle`. */
export async function settleInSandbox(
  host: HostContext,
  placed: Placed,
  result: PlugResult,
): Promise<Pick<EndpointRecord, 'foundMtus'>> {
  const { path } = placed.sandbox
  const found: [string, number][] = []
  for (const wanted of leftToHost(result.interfaces)) {
    const mtu = await bringIn(path, wanted, () => failpoint('host:endpoint:interface-moved'))
    if (wanted.mtu === undefined) found.push([wanted.name, mtu])
    failpoint('host:endpoint:interface-configured')
  }
  settleSibling(host, placed)
  settleRouting(host, placed, result)
  const unsaid = result.interfaces.filter((made) => made.mtu === undefined && !isLeftToHost(made))
  if (unsaid.length > 0)
    found.push(
      ...interfaceMtus(
        path,
        unsaid.map(({ name }) => name),
      ),
    )
  return found.length === 0 ? {} : { foundMtus: Object.fromEntries(found) }
}

/** Of an endpoint that was settled before: what differs is made as it should be, without an interruption. */
export async function mendInSandbox(host: HostContext, placed: Placed, result: PlugResult): Promise<void> {
  const { path } = placed.sandbox
  const former = placed.endpoint.result?.interfaces ?? []
  const names = new Set(result.interfaces.map(({ name }) => name))
  const others = new Set([...namesBeside(host, placed), ...names])
  for (const gone of leftToHost(former))
    if (!names.has(gone.name)) await takeOut(host, { endpoint: placed.endpoint, path, others }, gone)
  for (const wanted of asHeld(placed.endpoint, leftToHost(result.interfaces))) {
    await mend(path, wanted, { former: former.find(({ name }) => name === wanted.name), others })
  }
  settleRouting(host, placed, result)
  if (hasOwnTable(host, placed.endpoint))
    for (const plugged of result.interfaces) forgetFormerRouting(path, plugged)
}

/** Takes back what `settleInSandbox` did, but for a veth. Fine when the sandbox is gone, and everything in it. */
export async function unsettle(
  host: HostContext,
  { endpoint, sandbox }: Pick<Placed, 'endpoint' | 'sandbox'>,
  { attempt }: Pick<Operation, 'attempt'>,
): Promise<void> {
  const interfaces = endpoint.result?.interfaces ?? []
  if (hasOwnTable(host, endpoint)) {
    const siblings = siblingsOf(host, endpoint).filter((other) => !isOffDefault(host, other))
    // One that is alone from now on needs no rules, and when it goes nobody looks for any. Of those that go too one is the last.
    const staying = siblings.filter(({ state }) => state !== 'deleting')
    const others = staying.length > 1 ? siblings.filter(({ state }) => state === 'deleting') : siblings
    forgetRules(sandbox, [...interfaces, ...interfacesOf(others)])
  }
  const others = namesBeside(host, { endpoint, sandbox })
  for (const plugged of leftToHost(interfaces)) {
    await takeOut(host, { endpoint, path: sandbox.path, others, isRetry: attempt !== undefined }, plugged)
    failpoint('host:endpoint:interface-returned')
  }
}

/** After the driver has confirmed the unplug: nothing of the endpoint is in the sandbox then. */
export async function clearRest(
  host: HostContext,
  { endpoint, sandbox }: Pick<Placed, 'endpoint' | 'sandbox'>,
): Promise<void> {
  const others = namesBeside(host, { endpoint, sandbox })
  for (const plugged of leftToHost(endpoint.result?.interfaces ?? []))
    await removeRest(sandbox.path, plugged, others)
}

/**
 * Whether answers to what comes for its addresses leave by its own interface only with a routing table of its own. Behind
 * an interface that it shares, its driver routes.
 */
function hasOwnTable(host: HostContext, endpoint: EndpointRecord): boolean {
  if (host.inventory.networks.get(endpoint.networkId)?.sandbox === 'private') return false
  return isOffDefault(host, endpoint) || siblingsOf(host, endpoint).length > 0
}

/** Others come to it by its gateway, as to a mapped port, and the default route does not lead back there. */
function isOffDefault({ inventory }: HostContext, endpoint: EndpointRecord): boolean {
  const network = inventory.networks.get(endpoint.networkId)
  return !endpoint.interface.defaultRoute && network !== undefined && hasWayOut(network)
}

function settleRouting(host: HostContext, { endpoint, network, sandbox }: Placed, result: PlugResult): void {
  if (!hasOwnTable(host, endpoint)) return
  for (const plugged of result.interfaces) routeBySource(sandbox.path, plugged, gatewaysOf(network))
}

/**
 * Of the one that was alone before a new one: of more, each has its table already. What somebody has done to its interface
 * is no fault of the new one, and its own repair gives it its table.
 */
function settleSibling(host: HostContext, { endpoint, network, sandbox }: Placed): void {
  if (!hasOwnTable(host, endpoint)) return
  const settled = siblingsOf(host, endpoint).filter(({ state }) => state === 'plugged')
  const [alone, ...more] = settled
  if (alone === undefined || more.length > 0) return
  try {
    for (const plugged of interfacesOf(settled)) routeBySource(sandbox.path, plugged, gatewaysOf(network))
  } catch (err) {
    if (!KernelError.is(err)) throw err
    host.log.warn({ endpointId: alone.id, err }, 'an endpoint has no routing table of its own: repair it')
  }
}

function gatewaysOf({ subnets }: NetworkRecord): string[] {
  return subnets.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway]))
}

function interfacesOf(endpoints: readonly EndpointRecord[]): PluggedInterface[] {
  return endpoints.flatMap(({ result }) => result?.interfaces ?? [])
}

function forgetRules(sandbox: SandboxRecord, interfaces: readonly PluggedInterface[]): void {
  try {
    forgetSourceRouting(
      sandbox.path,
      interfaces.flatMap(({ addresses }) => addresses),
    )
  } catch (error) {
    if (!isSandboxGone(error)) throw error
  }
}

function siblingsOf({ inventory }: HostContext, endpoint: EndpointRecord): EndpointRecord[] {
  return othersThan(endpoint, inventory.endpointsBetween(endpoint))
}

/** What is known in the sandbox under its own name: no interface of the endpoint is called that, unless it is its own. */
function namesBeside(
  { inventory }: HostContext,
  { endpoint, sandbox }: Pick<Placed, 'endpoint' | 'sandbox'>,
): ReadonlySet<string> {
  const others = othersThan(endpoint, inventory.endpointsOfContainer(endpoint.handle))
  return new Set([...sandbox.foreignInterfaces, ...[endpoint, ...others].flatMap(interfaceNames)])
}

/** With interfaces of their own. */
function apartInSandbox(
  { inventory }: HostContext,
  { endpoint, network }: Pick<Placed, 'endpoint' | 'network'>,
): EndpointRecord[] {
  return othersThan(endpoint, inventory.endpointsOfContainer(endpoint.handle)).filter(
    ({ networkId }) => !shareInterface(network, inventory.networks.get(networkId)),
  )
}

/** Those of them that share its sandbox. */
function othersThan({ id, hold }: EndpointRecord, endpoints: readonly EndpointRecord[]): EndpointRecord[] {
  return endpoints.filter((other) => other.id !== id && other.hold === hold && isInSandbox(other))
}
