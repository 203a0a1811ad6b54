// Which kind of JSON-RPC 2.0 message an object is. It knows neither methods nor calls; params are by name only,
// because positional ones would let the sender choose which argument of a function its values become.
import type { Message, NotificationMessage, RequestMessage } from 'vscode-jsonrpc'
import { ConetError } from '../errors/index.ts'
import { isJsonObject, type JsonObject } from './framing.ts'
import type { JsonText } from './json-text.ts'

/** The id of a request, as its sender chose it. */
export type MessageId = string | number

/** The `error` of a reply, as it travels. */
export type ReplyError = { readonly code: number; readonly message: string; readonly data?: unknown }

/** How a request ended. */
export type Outcome = { readonly result: unknown } | { readonly error: ReplyError }

/** What is sent: params are an object, or undefined, which JSON leaves out. */
export type Outgoing =
  | (Message & { readonly id: MessageId } & Outcome)
  | ((Omit<RequestMessage, 'params'> | Omit<NotificationMessage, 'params'>) & {
      readonly params: JsonObject | JsonText | undefined
    })

export type Envelope =
  | { type: 'request'; id: MessageId; method: string; params: JsonObject | undefined; isNamed: boolean }
  | { type: 'notification'; method: string; params: JsonObject | undefined; isNamed: boolean }
  | { type: 'reply'; id: MessageId; outcome: Outcome }

const maxNameLength = 256

/**
 * Throws `protocolViolation` for what can be neither served nor answered. `isNamed` is false where params are
 * something other than an object: a request with such params can still be refused by its id.
 */
export function parseEnvelope(message: JsonObject): Envelope {
  if (message.jsonrpc !== '2.0') throw badEnvelope('its "jsonrpc" is not "2.0"')
  if (message.method === undefined) return parseReply(message)
  const { method, params } = message
  if (!isName(method)) throw badEnvelope('its "method" is not a string of 1 to 256 characters')
  const named = isJsonObject(params) ? params : undefined
  const isNamed = params === undefined || named !== undefined
  if (message.id === undefined) return { type: 'notification', method, params: named, isNamed }
  return { type: 'request', id: parseId(message.id), method, params: named, isNamed }
}

function parseReply(message: JsonObject): Envelope {
  const { result, error } = message
  if ((result === undefined) === (error === undefined)) {
    throw badEnvelope('it has no "method", and not exactly one of "result" and "error"')
  }
  if (error === undefined) return { type: 'reply', id: parseId(message.id), outcome: { result } }
  const parsed = parseReplyError(error)
  if (message.id === null) throw badEnvelope(`the other side could not read a message: ${parsed.message}`)
  return { type: 'reply', id: parseId(message.id), outcome: { error: parsed } }
}

function parseReplyError(error: unknown): ReplyError {
  if (!isJsonObject(error)) throw badEnvelope('its "error" is not an object')
  const { code, message, data } = error
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || typeof message !== 'string') {
    throw badEnvelope('its "error" lacks an integer "code" or a string "message"')
  }
  return { code, message, data }
}

/** Whether a value can name a message: a whole number or a short string, never null. */
export function isMessageId(value: unknown): value is MessageId {
  return typeof value === 'number' ? Number.isSafeInteger(value) : isName(value)
}

function parseId(id: unknown): MessageId {
  if (!isMessageId(id))
    throw badEnvelope('its "id" is neither an integer nor a string of 1 to 256 characters')
  return id
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxNameLength
}

function badEnvelope(why: string): ConetError {
  return new ConetError('protocolViolation', `read a message: ${why}`)
}
