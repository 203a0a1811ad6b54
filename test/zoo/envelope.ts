// What makes an object a message of JSON-RPC 2.0 (RPC-1).
import type { MessageId } from '@conet/sdk/jsonrpc'
import { FramingFault, type JsonObject } from './wire.ts'

/** Throws FramingFault for what can be neither served nor answered. */
export function assertEnvelope(message: JsonObject): void {
  const { jsonrpc, id, method } = message
  if (jsonrpc !== '2.0') throw new FramingFault('"jsonrpc" is not "2.0"')
  if (method === undefined) assertReply(message)
  else if (typeof method !== 'string' || method.length < 1 || method.length > 256) {
    throw new FramingFault('"method" is no name')
  } else if (id !== undefined && !isMessageId(id)) throw new FramingFault('"id" is none')
}

export function isMessageId(value: unknown): value is MessageId {
  return (
    Number.isSafeInteger(value) || (typeof value === 'string' && value.length >= 1 && value.length <= 256)
  )
}

function assertReply({ id, result, error }: JsonObject): void {
  const isWhole = (result === undefined) !== (error === undefined)
  if (!isWhole || !isMessageId(id)) throw new FramingFault('it is neither a request nor a reply')
}
