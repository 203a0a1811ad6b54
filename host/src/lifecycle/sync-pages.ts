// What should be at a driver, in pages: each is built when it is its turn, so that the host never stands still over
// thousands of endpoints, and says what is on record then.
import { JsonText } from '@conet/sdk/jsonrpc'
import type { SandboxRecord } from '../domain/container.ts'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { HostContext } from './host-context.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'
import type { PageContent } from './sync-answer.ts'
import { type Text, textOfEndpoint, textOfNetwork } from './sync-text.ts'

/**
 * Far below what the protocol allows: neither side should stand still over one page. And two of them fit into the buffer
 * of a socket, or the driver waits for the rest of one while the host makes the next.
 */
const mostPageBytes = 64 * 1024
/** For what is around the content of a page: the frame of the request and its `_meta`. */
const envelopeBytes = 1024
/** The name of the member `network`, and a comma. */
const memberBytes = 16

export type PagesOptions = {
  readonly driver: string
  readonly syncId: string
  /** The largest message that the driver takes. */
  readonly maxMessageBytes: number
}

/** One page: what stands on it, and the params of its `driver/sync`. */
export type SyncPage = PageContent & { readonly more: boolean; readonly params: JsonText }

/** Networks before their endpoints. The last page may be empty. */
export function* syncPages(host: HostContext, options: PagesOptions): Generator<SyncPage> {
  const { syncId, maxMessageBytes } = options
  const room = Math.min(mostPageBytes, maxMessageBytes) - envelopeBytes
  let draft = new PageDraft(syncId)
  for (const item of itemsOf(host, options)) {
    if (draft.bytes > 0 && draft.bytes + item.bytes > room) {
      yield draft.page(true)
      draft = new PageDraft(syncId)
    }
    draft.add(item)
  }
  yield draft.page(false)
}

type Endpoint = PageContent['endpoints'][number]
type Item = { readonly bytes: number; readonly networkText: Text } & (
  | { readonly network: { readonly id: string } }
  | { readonly endpoint: Endpoint; readonly text: Text }
)

/** A page that is being filled. Its texts are joined at the end, which costs no more than a copy. */
class PageDraft {
  readonly #syncId: string
  readonly #networks: { readonly id: string }[] = []
  readonly #networkTexts: string[] = []
  readonly #endpoints: Endpoint[] = []
  readonly #endpointTexts: string[] = []
  bytes = 0

  constructor(syncId: string) {
    this.#syncId = syncId
  }

  add(item: Item): void {
    this.bytes += item.bytes
    const { networkText } = item
    if ('network' in item) {
      this.#networks.push(item.network)
      this.#networkTexts.push(networkText.json)
    } else {
      this.#endpoints.push(item.endpoint)
      this.#endpointTexts.push(`{"network":${networkText.json},${item.text.json.slice(1)}`)
    }
  }

  page(more: boolean): SyncPage {
    const about = `"syncId":${JSON.stringify(this.#syncId)},"more":${more}`
    const objects = `"networks":[${this.#networkTexts.join(',')}],"endpoints":[${this.#endpointTexts.join(',')}]`
    const params = new JsonText(`{${about},${objects}}`)
    return { more, networks: this.#networks, endpoints: this.#endpoints, params }
  }
}

function* itemsOf(host: HostContext, { driver }: PagesOptions): Generator<Item> {
  const networkIds: string[] = []
  for (const record of networksOf(host, driver)) {
    const networkText = textOfNetwork(record)
    networkIds.push(record.id)
    yield { network: { id: record.id }, networkText, bytes: networkText.bytes + 1 }
  }
  for (const networkId of networkIds) yield* endpointsOf(host, networkId)
}

function* endpointsOf(host: HostContext, networkId: string): Generator<Item> {
  const { inventory } = host
  const listedAt = inventory.changes
  for (const listed of inventory.endpointsOfNetwork(networkId)) {
    // As they are now: a page may have been answered since.
    const record = inventory.changes === listedAt ? listed : inventory.endpoints.get(listed.id)
    const network = inventory.networks.get(networkId)
    if (record === undefined || network?.state !== 'active' || !isWanted(record)) continue
    const networkText = textOfNetwork(network)
    const sandbox = sandboxOf(host, record)
    const text = textOfEndpoint(host, { endpoint: record, network }, sandbox)
    const endpoint = { endpointId: record.id, network, sandbox, policyRevision: record.policyRevision }
    yield { endpoint, networkText, text, bytes: networkText.bytes + text.bytes + memberBytes }
  }
}

export function networksOf(host: HostContext, driver: string): NetworkRecord[] {
  const all = [...host.inventory.networks.values()]
  return all.filter((network) => network.type === driver && shouldBeAtDriver(host, network))
}

/** The sandbox in which it should be; undefined for one that is only created. */
export function sandboxOf(host: HostContext, { state, handle }: EndpointRecord): SandboxRecord | undefined {
  return state === 'plugged' ? host.inventory.sandboxes.get(handle) : undefined
}
