// Bytes of a driver to messages, strictly: whatever is doubtful is a fault with a reason, and nothing is read after it.
import { isUtf8 } from 'node:buffer'

export type Json = { readonly [key: string]: unknown }

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What the driver has sent: a message, or what made it unreadable. */
export type Parsed =
  | { readonly kind: 'message'; readonly message: Json; readonly bytes: number }
  | { readonly kind: 'fault'; readonly reason: string }

const blank = '\r\n\r\n'
const mostHeaderBytes = 8 * 1024
const mostHeaderLines = 16

export class StrictParser {
  readonly #onParsed: (parsed: Parsed) => void
  #chunks: Buffer[] = []
  #held = 0
  #bodyBytes: number | undefined
  #isFaulty = false

  constructor(onParsed: (parsed: Parsed) => void) {
    this.#onParsed = onParsed
  }

  /** Bytes of a message that is not whole. */
  get pendingBytes(): number {
    return this.#held
  }

  push(chunk: Buffer): void {
    if (this.#isFaulty) return
    this.#chunks.push(chunk)
    this.#held += chunk.length
    try {
      while (this.#step());
    } catch (error) {
      this.#isFaulty = true
      this.#onParsed({ kind: 'fault', reason: error instanceof Error ? error.message : String(error) })
    }
  }

  /** Reads a header or a body if it is whole. */
  #step(): boolean {
    if (this.#bodyBytes !== undefined && this.#held < this.#bodyBytes) return false
    const held = Buffer.concat(this.#chunks)
    const used =
      this.#bodyBytes === undefined ? this.#readHeader(held) : this.#readBody(held, this.#bodyBytes)
    this.#chunks = [held.subarray(used)]
    this.#held = held.length - used
    return used > 0 && this.#held > 0
  }

  #readHeader(held: Buffer): number {
    const end = held.indexOf(blank, 0, 'latin1')
    if (end === -1 && held.length > mostHeaderBytes)
      throw new Error(`a header longer than ${mostHeaderBytes} bytes`)
    if (end === -1) return 0
    this.#bodyBytes = lengthIn(held.toString('latin1', 0, end))
    return end + blank.length
  }

  #readBody(held: Buffer, bytes: number): number {
    const body = held.subarray(0, bytes)
    this.#bodyBytes = undefined
    this.#onParsed({ kind: 'message', message: parseBody(body), bytes })
    return bytes
  }
}

function lengthIn(block: string): number {
  const fields = block.split('\r\n').map(parseField)
  if (fields.length > mostHeaderLines) throw new Error(`a header of ${fields.length} lines`)
  const lengths = fields.filter(({ name }) => name === 'content-length')
  const [length] = lengths
  if (length === undefined) throw new Error('a header without Content-Length')
  if (lengths.length > 1) throw new Error('a header with two Content-Length fields')
  if (!/^[0-9]{1,10}$/.test(length.value)) throw new Error(`a Content-Length of "${length.value}"`)
  return Number(length.value)
}

function parseField(line: string): { name: string; value: string } {
  const [, name, value] = /^([A-Za-z-]+):[ \t]*([\t\x20-\x7e]*?)[ \t]*$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`a header line ${JSON.stringify(line)}`)
  return { name: name.toLowerCase(), value }
}

function parseBody(body: Buffer): Json {
  if (!isUtf8(body)) throw new Error('a body that is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw new Error(`a body that is not JSON: ${JSON.stringify(body.toString('utf8', 0, 60))}`)
  }
  if (!isJson(value)) throw new Error('a body that is not a JSON object')
  return value
}
