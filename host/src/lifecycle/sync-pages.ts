// What should be at a driver, in pages: each is built when it is its turn, so that the host never stands still over
// thousands of endpoints, and says what is on record then.
import type { DesiredEndpoint, Network, SyncParams } from '@conet/sdk'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import { desiredEndpoint } from './driver-parameters.ts'
import type { HostContext } from './host-context.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'

/**
 * Far below what the protocol allows: neither side should stand still over one page. And two of them fit into the buffer
 * of a socket, or the driver waits for the rest of one while the host makes the next.
 */
const mostPageBytes = 64 * 1024
/** For what is around the content of a page: the frame of the request and its `_meta`. */
const envelopeBytes = 1024
/** The names of an endpoint's members, with what is around them. */
const memberNamesBytes = 128

/** What a driver was told: by the id of a network or endpoint, where it should be. */
export type Told = Map<string, string>

export type PagesOptions = {
  readonly driver: string
  readonly syncId: string
  /** The largest message that the driver takes. */
  readonly maxMessageBytes: number
  /** Learns what stands on each page. */
  readonly told: Told
}

/** Networks before their endpoints. The last page may be empty. */
export function* syncPages(host: HostContext, options: PagesOptions): Generator<SyncParams> {
  const { syncId, maxMessageBytes } = options
  const room = Math.min(mostPageBytes, maxMessageBytes) - envelopeBytes
  let page: SyncParams = { syncId, more: true, networks: [], endpoints: [] }
  let size = 0
  for (const item of itemsOf(host, options)) {
    if (size > 0 && size + item.bytes > room) {
      yield page
      page = { syncId, more: true, networks: [], endpoints: [] }
      size = 0
    }
    if ('endpoint' in item) page.endpoints.push(item.endpoint)
    else page.networks.push(item.network)
    size += item.bytes
  }
  yield { ...page, more: false }
}

/** Whether nothing came on record that the driver was not told. */
export function isAllTold(host: HostContext, driver: string, told: Told): boolean {
  for (const network of networksOf(host, driver)) {
    if (!told.has(network.id)) return false
    for (const endpoint of host.inventory.endpointsOfNetwork(network.id)) {
      if (isWanted(endpoint) && told.get(endpoint.id) !== placeOf(host, endpoint)) return false
    }
  }
  return true
}

type Item = { readonly bytes: number } & (
  | { readonly network: Network }
  | { readonly endpoint: DesiredEndpoint }
)

function* itemsOf(host: HostContext, { driver, told }: PagesOptions): Generator<Item> {
  const bytesOf = new Map<string, number>()
  for (const record of networksOf(host, driver)) {
    const network = driverView(record)
    const bytes = lengthOf(network)
    bytesOf.set(record.id, bytes)
    told.set(record.id, '')
    yield { network, bytes }
  }
  for (const [networkId, networkBytes] of bytesOf) yield* endpointsOf(host, networkId, { networkBytes, told })
}

function* endpointsOf(
  host: HostContext,
  networkId: string,
  { networkBytes, told }: { networkBytes: number; told: Told },
): Generator<Item> {
  let [viewed, view]: [NetworkRecord | undefined, Network | undefined] = [undefined, undefined]
  for (const { id } of host.inventory.endpointsOfNetwork(networkId)) {
    // As they are now: a page may have been answered since.
    const record = host.inventory.endpoints.get(id)
    const network = host.inventory.networks.get(networkId)
    if (record === undefined || network?.state !== 'active' || !isWanted(record)) continue
    if (view === undefined || viewed !== network) [viewed, view] = [network, driverView(network)]
    const endpoint = desiredEndpoint(host, record, view)
    told.set(id, placeOf(host, record))
    yield { endpoint, bytes: networkBytes + ownLengthOf(endpoint) }
  }
}

function networksOf(host: HostContext, driver: string): NetworkRecord[] {
  const all = [...host.inventory.networks.values()]
  return all.filter((network) => network.type === driver && shouldBeAtDriver(host, network))
}

/** The sandbox in which it should be, empty for one that is only created; and which policy it should have. */
function placeOf(host: HostContext, { state, handle, policyRevision = 0 }: EndpointRecord): string {
  const path = state === 'plugged' ? host.inventory.sandboxes.get(handle)?.path : undefined
  return `${path ?? ''}#${policyRevision}`
}

/** Without its network, which was measured before. */
function ownLengthOf({
  endpointId,
  container,
  interface: wanted,
  options,
  requestedAddresses,
  policy,
  portMappings,
  sandbox,
}: DesiredEndpoint): number {
  const own = [endpointId, container, wanted, options, requestedAddresses, policy, portMappings, sandbox]
  return lengthOf(own) + memberNamesBytes
}

/** With the comma behind it and the name of a member before it. */
function lengthOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 16
}
