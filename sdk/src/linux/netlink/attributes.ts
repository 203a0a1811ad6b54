// Reads attributes (type-length-value) out of a message. Unknown ones are left alone: kernels add new ones.
import { type NetlinkAttribute, parseAttribute } from 'netlink/dist/structs.js'
import { aligned, littleEndian, viewOf } from './host-order.ts'

const ATTRIBUTE_HEADER_LENGTH = 4

/** The attributes in one stretch of bytes, found once by the codec of the package `netlink` and read on demand. A type that repeats: the last counts. */
export class Attributes {
  readonly #values = new Map<number, Buffer>()

  constructor(bytes: Buffer) {
    for (const { type, data } of whole(bytes)) this.#values.set(type, data)
  }

  has(type: number): boolean {
    return this.#values.has(type)
  }

  /** A view into the message, valid as long as its buffer; undefined when the attribute is absent. */
  bytes(type: number): Buffer | undefined {
    return this.#values.get(type)
  }

  u8(type: number): number | undefined {
    return this.#read(type, 1, (view) => view.getUint8(0))
  }

  u16(type: number): number | undefined {
    return this.#read(type, 2, (view) => view.getUint16(0, littleEndian))
  }

  u16BigEndian(type: number): number | undefined {
    return this.#read(type, 2, (view) => view.getUint16(0, false))
  }

  u32(type: number): number | undefined {
    return this.#read(type, 4, (view) => view.getUint32(0, littleEndian))
  }

  boolean(type: number): boolean | undefined {
    const value = this.u8(type)
    return value === undefined ? undefined : value !== 0
  }

  /** Up to the first NUL: the kernel terminates most strings, but not all. */
  string(type: number): string | undefined {
    const value = this.#values.get(type)
    if (value === undefined) return undefined
    const nul = value.indexOf(0)
    return value.toString('utf8', 0, nul < 0 ? value.length : nul)
  }

  /** The attributes inside this one; none when it is absent, or too short for the struct skipped first. */
  nested(type: number, structLength = 0): Attributes {
    return new Attributes(this.bytes(type)?.subarray(structLength) ?? Buffer.alloc(0))
  }

  #read<T>(type: number, length: number, read: (view: DataView) => T): T | undefined {
    const value = this.#values.get(type)
    return value === undefined || value.length < length ? undefined : read(viewOf(value))
  }
}

/** Stops at an attribute that is cut off. */
function* whole(bytes: Buffer): Generator<NetlinkAttribute> {
  let rest = bytes
  while (isWhole(rest)) {
    const { x: attribute, consumed } = parseAttribute(rest)
    yield attribute
    rest = rest.subarray(aligned(consumed))
  }
}

function isWhole(bytes: Buffer): boolean {
  if (bytes.length < ATTRIBUTE_HEADER_LENGTH) return false
  const length = viewOf(bytes).getUint16(0, littleEndian)
  return length >= ATTRIBUTE_HEADER_LENGTH && length <= bytes.length
}
