// Reads the pages of syncs. A driver that lost its host is told of thousands of endpoints when it is back, of which
// hardly any has changed: what is said of one in the very words of last time is neither parsed nor checked again. The
// same object stands for it, and nobody can change it. What is done for each endpoint is not this file's business.
import { randomUUID } from 'node:crypto'
import { isJsonObject, isSameJson, type JsonObject } from '../jsonrpc/index.ts'
import { checkParams, type DesiredEndpoint, type Network, type SyncParams } from '../protocol/index.ts'
import { deepFreeze } from './deep-freeze.ts'
import { endOfObject } from './object-end.ts'

/** Shorter text is parsed as it is. */
const shortest = 2 * 1024
/** Where the name of the method is looked for. */
const longestHead = 128
const methodMark = '"driver/sync"'
/** No string of JSON has this in it, with quotes like that. */
const endpointsMark = '"endpoints":['
/** Stands for all endpoints in what is parsed of a page. Nobody else can say it. */
const stand = `the endpoints of ${randomUUID()}`

/** What was said of an endpoint, and is known to be right. */
class Said {
  readonly text: string
  readonly endpoint: DesiredEndpoint
  /** What came after it last time. */
  next: Said | undefined
  /** In which sync it came last. */
  sync = 0

  constructor(text: string, endpoint: DesiredEndpoint) {
    this.text = text
    this.endpoint = endpoint
  }
}

/** What is said for the first time. */
type News = { readonly text: string; readonly value: unknown }

export class PageReader {
  readonly #byId = new Map<string, Said>()
  /** Of the endpoints that were new in this sync: those of one network share its object. */
  readonly #networks = new Map<string, Network>()
  #first: Said | undefined
  #expected: Said | undefined
  /** Of the text that was parsed last. */
  #read: { readonly endpoints: readonly unknown[]; readonly items: readonly (Said | News)[] } | undefined
  #syncId: string | undefined
  #sync = 0
  /** How many this sync has named, and which one last. */
  #named = 0
  #last: Said | undefined

  /** For how many endpoints it knows what was said. */
  get size(): number {
    return this.#byId.size
  }

  /** As `JSON.parse`, for any message. */
  parse(text: string): unknown {
    this.#read = undefined
    return this.#parsePage(text) ?? JSON.parse(text)
  }

  /** As `checkParams('driver/sync', params)`, for a message that has just been parsed. */
  check(params: JsonObject): SyncParams {
    const read = this.#read
    this.#read = undefined
    const items = read !== undefined && params.endpoints === read.endpoints ? read.items : []
    const isKnown = items.length > 0 && items.every((item) => item instanceof Said)
    const page = checkParams('driver/sync', isKnown ? { ...params, endpoints: [] } : params)
    this.#begin(page)
    const endpoints =
      items.length === 0
        ? page.endpoints
        : items.map((item, index) => this.#name(item, page.endpoints[index]))
    if (!page.more) this.#end()
    deepFreeze(page.networks)
    if (items.length === 0) deepFreeze(endpoints)
    return { ...page, endpoints }
  }

  #parsePage(text: string): unknown {
    if (text.length < shortest || !text.slice(0, longestHead).includes(methodMark)) return undefined
    const mark = text.indexOf(endpointsMark)
    if (mark === -1) return undefined
    const start = mark + endpointsMark.length
    const items: (Said | News)[] = []
    const end = this.#readItems(text, start, items)
    if (end === undefined) return undefined
    const message: unknown = JSON.parse(`${text.slice(0, start)}"${stand}"${text.slice(end)}`)
    const endpoints = endpointsOf(message)
    // The mark may have stood in a document of a user.
    if (endpoints?.length !== 1 || endpoints[0] !== stand) return undefined
    endpoints.length = 0
    for (const item of items) endpoints.push(item instanceof Said ? item.endpoint : item.value)
    this.#read = { endpoints, items }
    return message
  }

  /** Fills `items`. Returns where the array ends; undefined: it is not written as this file can read it. */
  #readItems(text: string, start: number, items: (Said | News)[]): number | undefined {
    for (let at = start; ; at += 1) {
      const item = this.#expectedAt(text, at) ?? this.#otherAt(text, at)
      if (item === undefined) return undefined
      items.push(item)
      at += item.text.length
      if (text[at] === ']') return at
      if (text[at] !== ',') return undefined
    }
  }

  #expectedAt(text: string, at: number): Said | undefined {
    const expected = this.#expected
    if (expected === undefined || text.slice(at, at + expected.text.length) !== expected.text)
      return undefined
    this.#expected = expected.next
    return expected
  }

  #otherAt(text: string, at: number): Said | News | undefined {
    const end = endOfObject(text, at)
    if (end === undefined) return undefined
    const words = text.slice(at, end)
    const value: unknown = JSON.parse(words)
    const { endpointId } = isJsonObject(value) ? value : {}
    const said = typeof endpointId === 'string' ? this.#byId.get(endpointId) : undefined
    // What came after it last time will do so again, even if it has changed.
    if (said !== undefined) this.#expected = said.next
    if (said?.text === words) return said
    return { text: words, value }
  }

  #begin({ syncId }: SyncParams): void {
    if (syncId === this.#syncId) return
    this.#syncId = syncId
    this.#sync += 1
    this.#named = 0
    this.#first = undefined
    this.#last = undefined
  }

  /** The endpoint, named in this sync. `checked`: the same, where it is news. */
  #name(item: Said | News, checked: DesiredEndpoint | undefined): DesiredEndpoint {
    const said = item instanceof Said ? item : this.#keep(item, checked)
    if (said.sync !== this.#sync) {
      said.sync = this.#sync
      this.#named += 1
    }
    if (this.#last === undefined) this.#first = said
    else if (this.#last.next !== said) this.#last.next = said
    this.#last = said
    return said.endpoint
  }

  #keep({ text }: News, checked: DesiredEndpoint | undefined): Said {
    if (checked === undefined) throw new Error('a page of a sync has fewer endpoints than were read')
    const endpoint = { ...checked, network: this.#sharedNetwork(checked.network) }
    deepFreeze(endpoint)
    // A copy of its own: a part of a text keeps the whole.
    const said = new Said(Buffer.from(text).toString(), endpoint)
    this.#byId.set(endpoint.endpointId, said)
    return said
  }

  #sharedNetwork(network: Network): Network {
    const shared = this.#networks.get(network.id)
    if (shared !== undefined && isSameJson(shared, network)) return shared
    this.#networks.set(network.id, network)
    return network
  }

  /** What was not named is forgotten. */
  #end(): void {
    if (this.#named !== this.#byId.size)
      for (const [id, { sync }] of this.#byId) if (sync !== this.#sync) this.#byId.delete(id)
    if (this.#last !== undefined) this.#last.next = undefined
    this.#networks.clear()
    this.#expected = this.#first
    this.#syncId = undefined
  }
}

function endpointsOf(message: unknown): unknown[] | undefined {
  if (!isJsonObject(message) || !isJsonObject(message.params)) return undefined
  const { endpoints } = message.params
  return Array.isArray(endpoints) ? endpoints : undefined
}
