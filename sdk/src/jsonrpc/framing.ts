// Bytes to JSON objects and back: `Content-Length: N`, a blank line, N bytes of UTF-8 JSON. Pure: no socket, no
// timer, no idea what the objects mean. Any input ends in messages or in one `protocolViolation`, and no input makes
// it hold more than a header, one body of the allowed size and the chunk at hand.
import { isAscii, isUtf8 } from 'node:buffer'
import { ConetError } from '../errors/index.ts'
import { allowedLength, badHeader, maxHeaderBytes, parseFrameHeader, plainHeader } from './frame-header.ts'
import { JsonText } from './json-text.ts'

/** A JSON object whose members are not known yet. */
export type JsonObject = { readonly [key: string]: unknown }

/** Whether a value is an object in the sense of JSON: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const headerEnd = '\r\n\r\n'
const firstBufferBytes = 64 * 1024

/** A message with its header, as text and counted in bytes of UTF-8. */
export type Frame = { readonly text: string; readonly bytes: number }

/** Throws `messageTooLarge`, or what JSON.stringify throws on what is no JSON. */
export function encodeFrame(message: object, maxBytes: number): Frame {
  const body = textOfMessage(message)
  const bodyBytes = Buffer.byteLength(body)
  if (bodyBytes > maxBytes) throw tooLarge(bodyBytes, maxBytes)
  const header = `Content-Length: ${bodyBytes}${headerEnd}`
  return { text: header + body, bytes: header.length + bodyBytes }
}

function textOfMessage(message: { readonly params?: unknown }): string {
  const { params } = message
  if (!(params instanceof JsonText)) return JSON.stringify(message)
  const around = JSON.stringify({ ...message, params: undefined })
  return `${around.slice(0, -1)},"params":${params.text}}`
}

function tooLarge(bytes: number, maxBytes: number): ConetError {
  const why = `it has ${bytes} bytes and the other side takes ${maxBytes}`
  return new ConetError('messageTooLarge', `send a message: ${why}`, { details: { bytes, maxBytes } })
}

/** Where the parser stands: between two messages, or inside one. */
export type FramePhase = 'between' | 'header' | 'body'

/** What a frame parser takes, and who hears of it. */
export type FrameParserOptions = {
  readonly maxMessageBytes: number
  /** Instead of `JSON.parse`: makes the same of the text, and throws where that does. */
  readonly parse?: ((text: string) => unknown) | undefined
  /** `length` is that of its text. */
  onMessage(message: JsonObject, length: number): void
}

/** Takes chunks as they come and calls `onMessage` for each whole message, in order, before `push` returns. */
export class FrameParser {
  readonly #maxMessageBytes: number
  readonly #onMessage: (message: JsonObject, length: number) => void
  readonly #parse: (text: string) => unknown
  #failure: unknown
  #messages = 0
  /** The bytes of a header or body that began in an earlier chunk; `#held` of them are set. */
  #buffer = Buffer.alloc(0)
  #held = 0
  /** Length of the body that is being read; undefined while a header is. */
  #bodyBytes: number | undefined

  constructor({ maxMessageBytes, onMessage, parse = JSON.parse }: FrameParserOptions) {
    this.#maxMessageBytes = maxMessageBytes
    this.#parse = (text) => parse(text)
    this.#onMessage = onMessage
  }

  get phase(): FramePhase {
    if (this.#bodyBytes !== undefined) return 'body'
    return this.#held > 0 ? 'header' : 'between'
  }

  /** How many whole messages have come. */
  get messages(): number {
    return this.#messages
  }

  /** How many bytes it keeps for a message that is not whole yet. */
  get bufferedBytes(): number {
    return this.#buffer.length
  }

  /** Throws `protocolViolation` at the first fault and the same again from then on: there is no way back in step. */
  push(chunk: Buffer): void {
    if (this.#failure !== undefined) throw this.#failure
    try {
      let offset = 0
      while (offset < chunk.length) {
        offset =
          this.#bodyBytes === undefined
            ? this.#readHeader(chunk, offset)
            : this.#readBody(chunk, offset, this.#bodyBytes)
      }
    } catch (error) {
      this.#failure = error
      this.#release()
      throw error
    }
  }

  #readHeader(chunk: Buffer, offset: number): number {
    if (this.#held > 0) return this.#continueHeader(chunk, offset)
    // The usual case: the header lies in this chunk, and nothing is copied.
    const plain = plainHeader(chunk, offset)
    if (plain !== undefined) {
      this.#beginBody(allowedLength(plain.bodyBytes, this.#maxMessageBytes))
      return offset + plain.bytes
    }
    const end = chunk.indexOf(headerEnd, offset, 'latin1')
    if (end === -1) return this.#continueHeader(chunk, offset)
    if (end + headerEnd.length - offset > maxHeaderBytes) throw headerTooLong()
    this.#beginBody(parseFrameHeader(chunk.toString('latin1', offset, end), this.#maxMessageBytes))
    return end + headerEnd.length
  }

  #continueHeader(chunk: Buffer, offset: number): number {
    const before = this.#held
    const taken = Math.min(chunk.length - offset, maxHeaderBytes - before)
    this.#hold(chunk.subarray(offset, offset + taken), maxHeaderBytes)
    // Only the end mark's first bytes can lie in what was searched before.
    const from = Math.max(0, before - headerEnd.length + 1)
    const end = this.#buffer.subarray(0, this.#held).indexOf(headerEnd, from, 'latin1')
    if (end === -1 && this.#held === maxHeaderBytes) throw headerTooLong()
    if (end === -1) return offset + taken
    this.#beginBody(parseFrameHeader(this.#buffer.toString('latin1', 0, end), this.#maxMessageBytes))
    this.#release()
    return offset + end + headerEnd.length - before
  }

  #beginBody(bodyBytes: number): void {
    // No byte will come that could end an empty body, and nothing is no JSON.
    if (bodyBytes === 0) throw badBody('is empty')
    this.#bodyBytes = bodyBytes
  }

  #readBody(chunk: Buffer, offset: number, bodyBytes: number): number {
    const end = offset + Math.min(chunk.length - offset, bodyBytes - this.#held)
    if (end - offset === bodyBytes) {
      this.#finish(textOf(chunk, offset, end))
    } else {
      this.#hold(chunk.subarray(offset, end), bodyBytes)
      if (this.#held === bodyBytes) this.#finish(textOf(this.#buffer, 0, bodyBytes))
    }
    return end
  }

  #finish(body: string): void {
    const message = parseBody(body, this.#parse)
    this.#bodyBytes = undefined
    this.#release()
    this.#messages += 1
    this.#onMessage(message, body.length)
  }

  /** Keeps a copy, in a buffer that doubles: dribbled bytes cost linear time, an announced length costs nothing. */
  #hold(part: Buffer, most: number): void {
    const needed = this.#held + part.length
    if (needed > this.#buffer.length) {
      const size = Math.min(most, Math.max(needed, this.#buffer.length * 2, firstBufferBytes))
      const grown = Buffer.allocUnsafe(size)
      this.#buffer.copy(grown, 0, 0, this.#held)
      this.#buffer = grown
    }
    part.copy(this.#buffer, this.#held)
    this.#held = needed
  }

  #release(): void {
    if (this.#buffer.length > 0) this.#buffer = Buffer.alloc(0)
    this.#held = 0
  }
}

function textOf(buffer: Buffer, start: number, end: number): string {
  const body = buffer.subarray(start, end)
  if (isAscii(body)) return body.toString('latin1')
  if (!isUtf8(body)) throw badBody('is not UTF-8')
  return body.toString('utf8')
}

function parseBody(body: string, parse: (text: string) => unknown): JsonObject {
  let value: unknown
  try {
    value = parse(body)
  } catch (cause) {
    // A SyntaxError, or a RangeError for nesting deeper than the stack.
    throw badBody('is not JSON', cause)
  }
  if (!isJsonObject(value)) throw badBody('is not a JSON object')
  return value
}

function badBody(why: string, cause?: unknown): ConetError {
  return new ConetError('protocolViolation', `read a message: its body ${why}`, { cause })
}

function headerTooLong(): ConetError {
  return badHeader(`is longer than ${maxHeaderBytes} bytes`)
}
