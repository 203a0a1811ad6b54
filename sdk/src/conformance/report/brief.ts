// One thing that happened on a connection, short enough for a terminal: who, which call, and the members that matter.
import type { Entry } from '../transcript/transcript.ts'
import { isJson, type Json } from '../wire/strict-parser.ts'

/** The excerpt cuts what is no part of the exchange that failed to less. */
const mostCharacters = 2_000
const mostOfHandshake = 100
/** Ids are long, and the first characters tell them apart. */
const longId = /\b([0-9a-f]{8})[0-9a-f]{24,}\b/g

/** `kit → #3 network/list {}`; undefined for what says nothing to a reader. */
export function briefOf(entry: Entry): string | undefined {
  if (entry.kind === 'sent') return shortened(`kit → ${messageOf(entry.message)}`)
  if (entry.kind === 'received') return shortened(`  ← ${messageOf(entry.message)}`)
  if (entry.kind === 'sentBytes') return shortened(`kit → ${entry.bytes} bytes ${JSON.stringify(entry.text)}`)
  if (entry.kind === 'fault') return `  ← ${entry.reason}`
  if (entry.kind === 'ended') return entry.by === 'driver' ? `  ← (${entry.reason})` : undefined
  return entry.kind === 'note' ? `(${entry.text})` : undefined
}

/** The handshake is much the same every time. */
function messageOf(message: Json): string {
  const text = textOf(message)
  const { method, result } = message
  const isHandshake = method === 'initialize' || (isJson(result) && result.protocolVersion !== undefined)
  return isHandshake && text.length > mostOfHandshake ? `${text.slice(0, mostOfHandshake)}…` : text
}

function textOf({ id, method, params, result, error }: Json): string {
  const number = id === undefined ? [] : [`#${typeof id === 'number' ? id : JSON.stringify(id)}`]
  if (method !== undefined) return [...number, String(method), JSON.stringify(withoutMeta(params))].join(' ')
  if (error !== undefined) return [...number, 'error', JSON.stringify(error)].join(' ')
  return [...number, 'result', JSON.stringify(result)].join(' ')
}

function withoutMeta(params: unknown): unknown {
  if (!isJson(params)) return params
  const { _meta, ...own } = params
  return own
}

function shortened(line: string): string {
  const text = line.replace(longId, '$1…')
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text
}
