// What an interface is like in the sandbox: its link, addresses, routes, neighbours and sysctls.
import { ConetError, type PluggedInterface, type Rollback } from '@conet/sdk'
import {
  addRoute,
  BatchError,
  changedAddresses,
  deleteAddress,
  deleteNeighbour,
  deleteRoute,
  interfaceSysctl,
  isUsableAddress,
  KernelError,
  type Link,
  MAIN_TABLE,
  mendAddressRoutes,
  mendChangedAddresses,
  mendSubnetRoutes,
  type Namespace,
  type NewRoute,
  newRoute,
  type RouteRequest,
  type Rtnl,
  replaceAddress,
  replaceNeighbour,
  replaceRoute,
  type SysctlChange,
  setLink,
  sysctlOfPath,
  writeSysctl,
} from '@conet/sdk/linux'
import { linkLocalOfMac } from '../ipam/index.ts'
import { inOneSpelling } from './one-spelling.ts'

/** Makes the interface as it should be. May be repeated: what is so already is not touched. The answer: its MTU. */
export function applySettings(inside: Rtnl, wanted: PluggedInterface): number {
  const link = inside.existingLink(wanted.name)
  inside.batch([...linkRequests(link, wanted), ...addressRequests(link.index, wanted)])
  addLinkLocal(inside, link.index, wanted)
  // The kernel has made them with the addresses, unless it had those already and somebody has deleted the routes since.
  const { addresses, routes } = wanted
  mendSubnetRoutes(inside, { link: link.index, addresses, routes })
  addRoutes(inside, link.index, wanted)
  return wanted.mtu ?? link.mtu
}

/** Puts back what somebody has changed of the addresses that are there, and what the kernel has made with them: others' routes need it. */
export function mendAddresses(inside: Rtnl, { name, macAddress, addresses, routes }: PluggedInterface): void {
  const { index: link, isUp } = inside.existingLink(name)
  if (!isUp) return
  const own = [...addresses.map(inOneSpelling), linkLocalAddress(macAddress)]
  mendChangedAddresses(inside, changedAddresses(inside.addresses({ link }), { name, addresses: own }))
  const usable = inside.addresses({ link }).filter(isUsableAddress)
  const there = new Set(usable.map(({ address }) => address))
  const standing = own.filter((address) => there.has(address))
  mendAddressRoutes(inside, { link, addresses: standing, routes, isWhole: true })
}

/** Takes away what an answer of before said and this one does not say any more. */
export function dropFormer(inside: Rtnl, wanted: PluggedInterface, former: PluggedInterface): void {
  const { index: link } = inside.existingLink(wanted.name)
  const tolerate = ['ESRCH', 'EADDRNOTAVAIL', 'ENOENT']
  const keptRoutes = new Set(wanted.routes.map((route) => JSON.stringify(newRoute(link, route))))
  const keptNeighbours = new Set((wanted.neighbours ?? []).map(({ address }) => address))
  const routes = former.routes
    .map((route) => newRoute(link, route))
    .filter((route) => !keptRoutes.has(JSON.stringify(route)))
  const keptAddresses = new Set(wanted.addresses.map(inOneSpelling))
  const addresses = former.addresses.filter((address) => !keptAddresses.has(inOneSpelling(address)))
  const neighbours = (former.neighbours ?? []).filter(({ address }) => !keptNeighbours.has(address))
  inside.batch(
    [
      ...routes.map(deleteRoute),
      ...addresses.map((address) => deleteAddress({ link, address })),
      ...neighbours.map(({ address }) => deleteNeighbour({ link, address })),
    ],
    { tolerate },
  )
}

/** Before the link goes up, since some decide what it then does. Undone in reverse. */
export function applySysctls(sandbox: Namespace, wanted: PluggedInterface, undo: Rollback): void {
  switchIpv6On(sandbox, wanted, undo)
  for (const [path, value] of Object.entries(wanted.sysctls ?? {})) {
    const key = sysctlOfPath(path)
    if (key === undefined)
      throw new ConetError('protocolViolation', `set ${path}: it is no setting of the network`)
    write(sandbox, { key, value }, undo)
  }
}

/** A sandbox may have it off for all that is new; the kernel refuses addresses and routes then (EACCES). */
function switchIpv6On(
  sandbox: Namespace,
  { name, addresses, routes }: PluggedInterface,
  undo: Rollback,
): void {
  const isNeeded = [...addresses, ...routes.map(({ destination }) => destination)].some((one) =>
    one.includes(':'),
  )
  if (!isNeeded) return
  const key = interfaceSysctl('ipv6', { interfaceName: name, setting: 'disable_ipv6' })
  // No IPv6 in this kernel: what needs it is refused.
  unlessNone(() => write(sandbox, { key, value: 0 }, undo))
}

function write(sandbox: Namespace, change: SysctlChange, undo: Rollback): void {
  const { key } = change
  const before = writeSysctl(sandbox, change)
  // An interface's own settings are gone with it.
  undo.defer(`put net/${key} back`, () => unlessNone(() => writeSysctl(sandbox, { key, value: before })))
}

function unlessNone(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!KernelError.is(error, 'ENOENT')) throw error
  }
}

function linkRequests(link: Link, { macAddress, mtu }: PluggedInterface): RouteRequest[] {
  const isSame = link.macAddress === macAddress
  return [
    // Many devices take another MAC only while they are down.
    ...(isSame || !link.isUp ? [] : [setLink(link.index, { up: false })]),
    setLink(link.index, {
      ...(isSame ? {} : { macAddress }),
      ...(mtu === undefined ? {} : { mtu }),
      ipv6AddressGeneration: 'none',
    }),
  ]
}

function addressRequests(link: number, { addresses, neighbours = [] }: PluggedInterface): RouteRequest[] {
  return [
    ...addresses.map((address) => replaceAddress({ link, address, nodad: true })),
    setLink(link, { up: true }),
    ...neighbours.map((neighbour) => replaceNeighbour({ link, ...neighbour })),
  ]
}

/** As the bundled drivers give it: at once, where the kernel would let it wait until nobody else has shown to have it. */
function addLinkLocal(inside: Rtnl, link: number, { macAddress }: PluggedInterface): void {
  const address = linkLocalAddress(macAddress)
  // Switched off in the sandbox; an MTU that is too small for it; a kernel without it.
  const tolerate = ['EACCES', 'EINVAL', 'EOPNOTSUPP', 'EAFNOSUPPORT']
  inside.run(replaceAddress({ link, address, nodad: true }), { tolerate })
}

function linkLocalAddress(macAddress: string): string {
  return `${linkLocalOfMac(macAddress)}/64`
}

/** Added, not replaced: the kernel would take another interface's route to the same destination away. */
function addRoutes(inside: Rtnl, link: number, { name, routes }: PluggedInterface): void {
  const wanted = routes.map((route) => newRoute(link, route))
  try {
    inside.batch(wanted.map(addRoute))
  } catch (error) {
    for (const [at, failure] of failuresOf(error)) {
      const route = wanted[at]
      if (route === undefined || !KernelError.is(failure, 'EEXIST')) throw failure
      if (!hasRoute(inside, route)) throw routeTaken(name, route, failure)
      inside.run(replaceRoute(route))
    }
  }
}

/** By their places in the batch; one that failed alone comes as it is. */
function failuresOf(error: unknown): Iterable<[number, KernelError]> {
  if (error instanceof BatchError) return error.failures
  if (KernelError.is(error)) return [[0, error]]
  throw error
}

/** Whether the one that is there goes over the same link: the kernel's own, or one of a plug before. */
function hasRoute(inside: Rtnl, { destination, metric, table = MAIN_TABLE, link }: NewRoute): boolean {
  const isSame = (found: ReturnType<Rtnl['routes']>[number]) =>
    found.destination === inOneSpelling(destination) &&
    (metric === undefined || metric === (found.metric ?? 0))
  return inside.routes({ table, ...(link !== undefined && { link }) }).some(isSame)
}

function routeTaken(name: string, { destination }: NewRoute, cause: KernelError): ConetError {
  return new ConetError(
    'conflict',
    `configure interface ${name}: another interface of the sandbox has a route to ${destination}`,
    {
      cause,
      details: { interfaceName: name, destination },
      help: 'give one of the two routes another metric',
    },
  )
}
