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
export const maxHeaderLines = 16

const endOfHeader = '\r\n\r\n'

export function frame(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}${endOfHeader}`), body])
}

export function encode(message: object): Buffer {
  return frame(Buffer.from(JSON.stringify(message)))
}

export type ReaderLimits = {
  readonly maxHeaderBytes: number
  readonly maxHeaderLines: number
  readonly maxBodyBytes: number
}

/** Its steps can be overridden one by one. */
export class FrameReader {
  protected readonly limits: ReaderLimits
  protected held: Buffer = Buffer.alloc(0)
  protected bodyBytes: number | undefined
  /** How many messages were whole. */
  messages = 0

  constructor(limits: ReaderLimits) {
    this.limits = limits
  }

  /** What it waits for the rest of. */
  get phase(): 'header' | 'body' | 'nothing' {
    if (this.bodyBytes !== undefined) return 'body'
    return this.held.length > 0 ? 'header' : 'nothing'
  }

  /** The messages that are whole with this chunk, in order. Throws FramingFault when it comes to one. */
  *read(chunk: Buffer): Generator<JsonObject> {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk])
    for (;;) {
      this.bodyBytes ??= this.takeHeader()
      if (this.bodyBytes === undefined) return
      const body = this.takeBody(this.bodyBytes)
      if (body === undefined) return
      this.bodyBytes = undefined
      this.messages += 1
      yield this.parse(body)
    }
  }

  /** What is left to be said when the stream has ended. */
  *end(): Generator<JsonObject> {}

  protected takeHeader(): number | undefined {
    const end = this.held.indexOf(endOfHeader)
    const bytes = end === -1 ? this.held.length : end + endOfHeader.length
    if (bytes > this.limits.maxHeaderBytes) throw new FramingFault('the header is too long')
    if (end === -1) return undefined
    const header = this.take(bytes).toString('latin1', 0, end)
    const length = this.lengthOf(this.lengthsIn(header))
    if (length > this.limits.maxBodyBytes) throw new FramingFault(`a body of ${length} bytes is too large`)
    return length
  }

  /** The values of all Content-Length fields. */
  protected lengthsIn(header: string): string[] {
    const lines = header.split('\r\n')
    if (lines.length > this.limits.maxHeaderLines) throw new FramingFault('the header has too many lines')
    return lines.flatMap((line) => {
      const [, name = '', value = ''] = /^([\w-]+):[ \t]*([\x20-\x7e]*?)[ \t]*$/.exec(line) ?? []
      if (name === '') throw new FramingFault('a line of the header is no field')
      return name.toLowerCase() === 'content-length' ? [value] : []
    })
  }

  protected lengthOf([length = '', ...more]: string[]): number {
    if (more.length > 0 || !/^[0-9]{1,10}$/.test(length))
      throw new FramingFault('Content-Length is no number')
    if (Number(length) === 0) throw new FramingFault('the body is empty')
    return Number(length)
  }

  protected takeBody(length: number): Buffer | undefined {
    return this.held.length < length ? undefined : this.take(length)
  }

  protected parse(body: Buffer): JsonObject {
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

  protected take(bytes: number): Buffer {
    const taken = this.held.subarray(0, bytes)
    this.held = this.held.subarray(bytes)
    return taken
  }
}
