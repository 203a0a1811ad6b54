// Bytes to messages and back, by hand, as docs/protocol.md has it: the zoo must be able to break every rule of the
// wire, so nothing here comes from the SDK's peer.
import { isUtf8 } from 'node:buffer'

export type JsonObject = { readonly [key: string]: unknown }

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The stream is out of order: there is no way back in step. */
export class FramingFault extends Error {
  override readonly name = 'FramingFault'
}

export const maxHeaderBytes = 8 * 1024
const maxHeaderLines = 16

const endOfHeader = '\r\n\r\n'

export function frame(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}${endOfHeader}`), body])
}

export function encode(message: object): Buffer {
  return frame(Buffer.from(JSON.stringify(message)))
}

export type ReaderLimits = { readonly maxHeaderBytes: number; readonly maxBodyBytes: number }

export class FrameReader {
  readonly #limits: ReaderLimits
  #held: Buffer = Buffer.alloc(0)
  #bodyBytes: number | undefined
  /** How many messages were whole. */
  messages = 0

  constructor(limits: ReaderLimits) {
    this.#limits = limits
  }

  /** What it waits for the rest of. */
  get phase(): 'header' | 'body' | 'nothing' {
    if (this.#bodyBytes !== undefined) return 'body'
    return this.#held.length > 0 ? 'header' : 'nothing'
  }

  /** The messages that are whole with this chunk, in order. Throws FramingFault when it comes to one. */
  *read(chunk: Buffer): Generator<JsonObject> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    for (;;) {
      this.#bodyBytes ??= this.#takeHeader()
      if (this.#bodyBytes === undefined || this.#held.length < this.#bodyBytes) return
      const body = this.#take(this.#bodyBytes)
      this.#bodyBytes = undefined
      this.messages += 1
      yield parseBody(body)
    }
  }

  #takeHeader(): number | undefined {
    const { maxHeaderBytes, maxBodyBytes } = this.#limits
    const end = this.#held.indexOf(endOfHeader)
    if ((end === -1 ? this.#held.length : end + endOfHeader.length) > maxHeaderBytes) {
      throw new FramingFault('the header is too long')
    }
    if (end === -1) return undefined
    const header = this.#take(end + endOfHeader.length).toString('latin1')
    const bytes = contentLength(header.slice(0, -endOfHeader.length))
    if (bytes > maxBodyBytes) throw new FramingFault(`a body of ${bytes} bytes is too large`)
    return bytes
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(bytes)
    return taken
  }
}

function contentLength(header: string): number {
  const lengths: string[] = []
  const lines = header.split('\r\n')
  if (lines.length > maxHeaderLines) throw new FramingFault('the header has too many lines')
  for (const line of lines) {
    const [, name = '', value = ''] = /^([\w-]+):[ \t]*([\x20-\x7e]*?)[ \t]*$/.exec(line) ?? []
    if (name === '') throw new FramingFault('a line of the header is no field')
    if (name.toLowerCase() === 'content-length') lengths.push(value)
  }
  const [length = '', ...more] = lengths
  if (more.length > 0 || !/^[0-9]{1,10}$/.test(length)) throw new FramingFault('Content-Length is no number')
  if (Number(length) === 0) throw new FramingFault('the body is empty')
  return Number(length)
}

function parseBody(body: Buffer): JsonObject {
  if (!isUtf8(body)) throw new FramingFault('the body is not UTF-8')
  let message: unknown
  try {
    message = JSON.parse(body.toString())
  } catch {
    throw new FramingFault('the body is not JSON')
  }
  if (!isJsonObject(message)) throw new FramingFault('the body is no object')
  return message
}
