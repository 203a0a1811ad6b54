// Builds the body of one request: a fixed struct, then attributes (type-length-value), in one buffer.
// It knows the format of <linux/netlink.h> and no message of it.
import { aligned, littleEndian, viewOf } from './host-order.ts'

const USUAL_CAPACITY = 256
const ATTRIBUTE_HEADER_LENGTH = 4
const NLA_F_NESTED = 0x8000
/** An attribute's length is a u16. */
const MAX_ATTRIBUTE_LENGTH = 0xffff

/** Methods return the writer itself. Fixed fields first, then attributes; `finish` ends it. */
export class PayloadWriter {
  #bytes: Buffer
  #view: DataView
  #length = 0

  /** `capacity`: in bytes; more costs a copy. */
  constructor({ capacity = USUAL_CAPACITY }: { capacity?: number } = {}) {
    this.#bytes = Buffer.allocUnsafe(capacity)
    this.#view = viewOf(this.#bytes)
  }

  u8(value: number): this {
    const start = this.#reserve(1)
    this.#view.setUint8(start, value)
    return this
  }

  u16(value: number): this {
    const start = this.#reserve(2)
    this.#view.setUint16(start, value, littleEndian)
    return this
  }

  u32(value: number): this {
    const start = this.#reserve(4)
    this.#view.setUint32(start, value, littleEndian)
    return this
  }

  bytes(value: Uint8Array): this {
    const start = this.#reserve(value.length)
    this.#bytes.set(value, start)
    return this
  }

  zeros(count: number): this {
    const start = this.#reserve(count)
    this.#bytes.fill(0, start, start + count)
    return this
  }

  attributeU8(type: number, value: number | undefined): this {
    return value === undefined ? this : this.#header(type, 1).u8(value).#pad()
  }

  attributeBoolean(type: number, value: boolean | undefined): this {
    return value === undefined ? this : this.attributeU8(type, value ? 1 : 0)
  }

  attributeU16(type: number, value: number | undefined): this {
    return value === undefined ? this : this.#header(type, 2).u16(value).#pad()
  }

  /** Network byte order, for ports. */
  attributeU16BigEndian(type: number, value: number | undefined): this {
    if (value === undefined) return this
    this.#header(type, 2)
    const start = this.#reserve(2)
    this.#view.setUint16(start, value, false)
    return this.#pad()
  }

  attributeU32(type: number, value: number | undefined): this {
    return value === undefined ? this : this.#header(type, 4).u32(value)
  }

  /** Network byte order, as netfilter has all of its numbers. Negative ones in two's complement. */
  attributeU32BigEndian(type: number, value: number | undefined): this {
    if (value === undefined) return this
    this.#header(type, 4)
    const start = this.#reserve(4)
    this.#view.setUint32(start, value >>> 0, false)
    return this
  }

  /** Network byte order. */
  attributeU64BigEndian(type: number, value: bigint | undefined): this {
    if (value === undefined) return this
    this.#header(type, 8)
    const start = this.#reserve(8)
    this.#view.setBigUint64(start, value, false)
    return this
  }

  attributeU64(type: number, value: bigint | undefined): this {
    if (value === undefined) return this
    this.#header(type, 8)
    const start = this.#reserve(8)
    this.#view.setBigUint64(start, value, littleEndian)
    return this
  }

  attributeBytes(type: number, value: Uint8Array | undefined): this {
    return value === undefined ? this : this.#header(type, value.length).bytes(value).#pad()
  }

  /** NUL-terminated, as the kernel wants names. */
  attributeString(type: number, value: string | undefined): this {
    if (value === undefined) return this
    const text = Buffer.from(value)
    return this.#header(type, text.length + 1)
      .bytes(text)
      .u8(0)
      .#pad()
  }

  /** An attribute whose content `write` makes: attributes, or a struct and then attributes. */
  nested(type: number, write: (inner: this) => void): this {
    const start = this.#length
    this.#header(type | NLA_F_NESTED, 0)
    write(this)
    const length = this.#length - start
    if (length > MAX_ATTRIBUTE_LENGTH) throw new RangeError(`netlink attribute ${type} of ${length} bytes`)
    this.#view.setUint16(start, length, littleEndian)
    return this.#pad()
  }

  /** The bytes written. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #header(type: number, length: number): this {
    const total = length + ATTRIBUTE_HEADER_LENGTH
    if (total > MAX_ATTRIBUTE_LENGTH) throw new RangeError(`netlink attribute ${type} of ${total} bytes`)
    return this.u16(total).u16(type)
  }

  #pad(): this {
    return this.zeros(aligned(this.#length) - this.#length)
  }

  /** Makes room and answers where it starts. Call it before touching the buffer, which it may replace. */
  #reserve(count: number): number {
    const start = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) this.#grow()
    return start
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}
