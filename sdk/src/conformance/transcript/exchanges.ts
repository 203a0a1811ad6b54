// A transcript read as requests and what became of them.
import { isRequestMethod, type RequestMethod } from '../../protocol/index.ts'
import { isJson, type Json } from '../wire/strict-parser.ts'
import type { MessageEntry, Transcript } from './transcript.ts'

/** A request of the kit and everything that came back under its id, in order. */
export type Exchange = {
  readonly request: MessageEntry
  readonly id: unknown
  readonly method: string
  /** Undefined for a method that the protocol does not have. */
  readonly known: RequestMethod | undefined
  readonly meta: Json
  readonly replies: MessageEntry[]
}

/** Ids that two requests shared are left out: which reply is whose cannot be told. */
export function exchangesOf(transcript: Transcript): { exchanges: Exchange[]; strays: MessageEntry[] } {
  const byId = new Map<unknown, Exchange>()
  const shared = new Set<unknown>()
  const strays: MessageEntry[] = []
  for (const entry of transcript.entries) {
    if (entry.kind === 'sent' && entry.message.id !== undefined && entry.message.method !== undefined) {
      if (byId.has(entry.message.id)) shared.add(entry.message.id)
      else byId.set(entry.message.id, exchangeOf(entry))
    } else if (entry.kind === 'received' && entry.message.method === undefined) {
      const exchange = byId.get(entry.message.id)
      if (exchange === undefined) strays.push(entry)
      else exchange.replies.push(entry)
    }
  }
  return { exchanges: [...byId.values()].filter(({ id }) => !shared.has(id)), strays }
}

function exchangeOf(request: MessageEntry): Exchange {
  const { id, method, params } = request.message
  const name = String(method)
  const meta = isJson(params) && isJson(params._meta) ? params._meta : {}
  return { request, id, method: name, known: isRequestMethod(name) ? name : undefined, meta, replies: [] }
}
