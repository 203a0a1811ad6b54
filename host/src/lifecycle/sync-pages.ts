// What should be at a driver, in pages: each is built when it is its turn, so that the host never stands still over
// thousands of endpoints, and says what is on record then.
import { JsonText } from '@conet/sdk/jsonrpc'
import type { NetworkRecord } from '../domain/network.ts'
import type { HostContext } from './host-context.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'
import type { PageContent, PageEndpoint } from './sync-answer.ts'
import { type Piece, piecesOf } from './sync-pieces.ts'
import { type Text, textOfNetwork } from './sync-text.ts'

/**
 * Far below what the protocol allows: neither side should stand still over one page. And three of them fit into the buffer
 * of a socket, or the driver waits for the rest of one while the host makes the next.
 */
const mostPageBytes = 64 * 1024
/** For what is around the content of a page: the frame of the request and its `_meta`. */
const envelopeBytes = 1024
/** Endpoints come in pieces of this size, but one by one to a driver that takes small messages only. */
const pieceBytes = 8 * 1024
const leastRoomForPieces = 4 * pieceBytes

export type PagesOptions = {
  readonly driver: string
  readonly syncId: string
  /** The largest message that the driver takes. */
  readonly maxMessageBytes: number
}

/** One page: what stands on it, and the params of its `driver/sync`. */
export type SyncPage = PageContent & {
  readonly more: boolean
  readonly params: JsonText
  /** Of which it is made, but for the networks: the same as on another page while nothing of these endpoints changes. */
  readonly pieces: readonly Piece[]
}

/** Networks before their endpoints. The last page may be empty. */
export function* syncPages(host: HostContext, options: PagesOptions): Generator<SyncPage> {
  const { syncId, maxMessageBytes } = options
  const room = Math.min(mostPageBytes, maxMessageBytes) - envelopeBytes
  let draft = new PageDraft(syncId)
  for (const item of itemsOf(host, options.driver, room < leastRoomForPieces ? 0 : pieceBytes)) {
    if (draft.bytes > 0 && draft.bytes + item.bytes > room) {
      yield draft.page(true)
      draft = new PageDraft(syncId)
    }
    draft.add(item)
  }
  yield draft.page(false)
}

type Item = (Text & { readonly network: { readonly id: string } }) | Piece

/** A page that is being filled. Its texts are joined at the end, which costs no more than a copy. */
class PageDraft {
  readonly #syncId: string
  readonly #networks: { readonly id: string }[] = []
  readonly #networkTexts: string[] = []
  readonly #endpoints: PageEndpoint[] = []
  readonly #pieces: Piece[] = []
  bytes = 0

  constructor(syncId: string) {
    this.#syncId = syncId
  }

  add(item: Item): void {
    // And a comma.
    this.bytes += item.bytes + 1
    if ('network' in item) {
      this.#networks.push(item.network)
      this.#networkTexts.push(item.json)
    } else {
      this.#endpoints.push(...item.endpoints)
      this.#pieces.push(item)
    }
  }

  page(more: boolean): SyncPage {
    const about = `"syncId":${JSON.stringify(this.#syncId)},"more":${more}`
    const endpoints = this.#pieces.map(({ json }) => json)
    const objects = `"networks":[${this.#networkTexts.join(',')}],"endpoints":[${endpoints.join(',')}]`
    const params = new JsonText(`{${about},${objects}}`)
    return { more, networks: this.#networks, endpoints: this.#endpoints, params, pieces: this.#pieces }
  }
}

function* itemsOf(host: HostContext, driver: string, mostBytes: number): Generator<Item> {
  const networkIds: string[] = []
  for (const record of networksOf(host, driver)) {
    networkIds.push(record.id)
    yield { ...textOfNetwork(record), network: { id: record.id } }
  }
  for (const networkId of networkIds) yield* piecesOf(host, networkId, mostBytes)
}

export function networksOf(host: HostContext, driver: string): NetworkRecord[] {
  const all = [...host.inventory.networks.values()]
  return all.filter((network) => network.type === driver && shouldBeAtDriver(host, network))
}
