// Reads attributes (type-length-value) out of a message. Unknown ones are left alone: kernels add new ones.
import { aligned, littleEndian, viewOf } from './host-order.ts'

const ATTRIBUTE_HEADER_LENGTH = 4
/** The upper two bits are flags: nested, network byte order. */
const TYPE_MASK = 0x3fff
const NLA_F_NESTED = 0x8000

type Range = { start: number; length: number; isNested: boolean }

/** The attributes in one stretch of bytes, found once and read on demand. A type that repeats: the last counts. */
export class Attributes {
  readonly #bytes: Buffer
  readonly #ranges = new Map<number, Range>()

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    for (const { type, ...range } of ranges(bytes)) this.#ranges.set(type, range)
  }

  has(type: number): boolean {
    return this.#ranges.has(type)
  }

  types(): Iterable<number> {
    return this.#ranges.keys()
  }

  /** Whether the writer says that there are attributes inside; not every part of the kernel does. */
  isNested(type: number): boolean {
    return this.#ranges.get(type)?.isNested === true
  }

  /** A view into the message, valid as long as its buffer; undefined when the attribute is absent. */
  bytes(type: number): Buffer | undefined {
    const range = this.#ranges.get(type)
    return range && this.#bytes.subarray(range.start, range.start + range.length)
  }

  u8(type: number): number | undefined {
    return this.#at(type, 1, (offset) => this.#bytes.readUInt8(offset))
  }

  u16(type: number): number | undefined {
    return this.#at(type, 2, (offset) => viewOf(this.#bytes).getUint16(offset, littleEndian))
  }

  u16BigEndian(type: number): number | undefined {
    return this.#at(type, 2, (offset) => this.#bytes.readUInt16BE(offset))
  }

  u32(type: number): number | undefined {
    return this.#at(type, 4, (offset) => viewOf(this.#bytes).getUint32(offset, littleEndian))
  }

  u32BigEndian(type: number): number | undefined {
    return this.#at(type, 4, (offset) => this.#bytes.readUInt32BE(offset))
  }

  u64(type: number): bigint | undefined {
    return this.#at(type, 8, (offset) => viewOf(this.#bytes).getBigUint64(offset, littleEndian))
  }

  boolean(type: number): boolean | undefined {
    const value = this.u8(type)
    return value === undefined ? undefined : value !== 0
  }

  /** Up to the first NUL: the kernel terminates most strings, but not all. */
  string(type: number): string | undefined {
    const range = this.#ranges.get(type)
    if (range === undefined) return undefined
    const end = range.start + range.length
    const nul = this.#bytes.indexOf(0, range.start)
    return this.#bytes.toString('utf8', range.start, nul < 0 || nul > end ? end : nul)
  }

  /** The attributes inside this one; none when it is absent, or too short for the struct skipped first. */
  nested(type: number, structLength = 0): Attributes {
    return new Attributes(this.bytes(type)?.subarray(structLength) ?? Buffer.alloc(0))
  }

  /** Every attribute in order, of the lists in which a type repeats. */
  all(): Buffer[] {
    return [...ranges(this.#bytes)].map(({ start, length }) => this.#bytes.subarray(start, start + length))
  }

  #at<T>(type: number, length: number, read: (offset: number) => T): T | undefined {
    const range = this.#ranges.get(type)
    return range === undefined || range.length < length ? undefined : read(range.start)
  }
}

function* ranges(bytes: Buffer): Generator<Range & { type: number }> {
  const view = viewOf(bytes)
  let offset = 0
  while (offset + ATTRIBUTE_HEADER_LENGTH <= bytes.length) {
    const total = view.getUint16(offset, littleEndian)
    if (total < ATTRIBUTE_HEADER_LENGTH || offset + total > bytes.length) return
    const type = view.getUint16(offset + 2, littleEndian)
    yield {
      type: type & TYPE_MASK,
      start: offset + ATTRIBUTE_HEADER_LENGTH,
      length: total - ATTRIBUTE_HEADER_LENGTH,
      isNested: (type & NLA_F_NESTED) !== 0,
    }
    offset += aligned(total)
  }
}
