// Attributes of one kind of link as a table: of each its number and its form. So what is read can be set, and the other way round.
import type { Attributes } from '../netlink/attributes.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { formatIp, formatMac, parseIp, parseMac } from './ip-address.ts'
import { nameOf } from './named-number.ts'

/** How a value stands in a message. */
export type Attribute<Value> = {
  /** Undefined: the kernel does not tell. */
  read(data: Attributes): Value | undefined
  write(data: PayloadWriter, value: Value | undefined): void
}

/** In the order in which they are set. */
export type AttributeTable<Values> = { readonly [Key in keyof Values]-?: Attribute<Values[Key]> }

/** What the kernel does not tell, it has not, or leaves at its default: `usual`. */
export function readAttributes<Values extends object>(
  table: AttributeTable<Values>,
  usual: Values,
  data: Attributes,
): Values {
  const values = { ...usual }
  for (const key in table) values[key] = table[key].read(data) ?? usual[key]
  return values
}

/** What is left out stays. */
export function writeAttributes<Values extends object>(
  table: AttributeTable<Values>,
  data: PayloadWriter,
  change: Partial<Values>,
): void {
  for (const key in table) table[key].write(data, change[key])
}

const CENTISECONDS = 100
/** Kernels that count in 4 ms keep 31.25 s as 31.24. */
const COARSEST_TICK = 5

export const flag = (type: number): Attribute<boolean> => ({
  read: (data) => data.boolean(type),
  write: (data, value) => data.attributeBoolean(type, value),
})

export const wideFlag = (type: number): Attribute<boolean> => ({
  read: (data) => asFlag(data.u32(type)),
  write: (data, value) => data.attributeU32(type, value === undefined ? undefined : Number(value)),
})

/** Several that are one to conet: on where any of them is. */
export const flags = (types: readonly number[]): Attribute<boolean> => ({
  read: (data) => types.some((type) => data.boolean(type) ?? false),
  write: (data, value) => {
    for (const type of types) data.attributeBoolean(type, value)
  },
})

/** On where it is there. It is set when a link is made, and never again. */
export const presence = (type: number): Attribute<boolean> => ({
  read: (data) => data.has(type) && data.u8(type) !== 0,
  write: (data, value) => data.attributeBytes(type, value ? new Uint8Array() : undefined),
})

/** One of the bits of an attribute that has a mask of what changes behind them. One in a message. */
export const optionBit = (type: number, bit: number): Attribute<boolean> => ({
  read: (data) => {
    const bits = data.u32(type)
    return bits === undefined ? undefined : (bits & (1 << bit)) !== 0
  },
  write: (data, value) => {
    if (value === undefined) return
    const option = Buffer.alloc(8)
    option.writeUInt32LE(value ? 1 << bit : 0, 0)
    option.writeUInt32LE(1 << bit, 4)
    data.attributeBytes(type, option)
  },
})

export const u8 = (type: number): Attribute<number> => ({
  read: (data) => data.u8(type),
  write: (data, value) => data.attributeU8(type, value),
})

export const u16 = (type: number): Attribute<number> => ({
  read: (data) => data.u16(type),
  write: (data, value) => data.attributeU16(type, value),
})

export const u16BigEndian = (type: number): Attribute<number> => ({
  read: (data) => data.u16BigEndian(type),
  write: (data, value) => data.attributeU16BigEndian(type, value),
})

export const u32 = (type: number): Attribute<number> => ({
  read: (data) => data.u32(type),
  write: (data, value) => data.attributeU32(type, value),
})

export const u32BigEndian = (type: number): Attribute<number> => ({
  read: (data) => data.u32BigEndian(type),
  write: (data, value) => data.attributeU32BigEndian(type, value),
})

/** In seconds; the kernel counts hundredths. */
export const seconds = (type: number): Attribute<number> => ({
  read: (data) => inSeconds(data.u32(type)),
  write: (data, value) => data.attributeU32(type, value && Math.round(value * CENTISECONDS)),
})

/** In seconds; 64 bits of the kernel. */
export const wideSeconds = (type: number): Attribute<number> => ({
  read: (data) => inSeconds(asNumber(data.u64(type))),
  write: (data, value) =>
    data.attributeU64(type, value === undefined ? undefined : BigInt(Math.round(value * CENTISECONDS))),
})

/** Index of a link; undefined where there is none. */
export const linkIndex = (type: number): Attribute<number | undefined> => ({
  read: (data) => data.u32(type) || undefined,
  write: (data, value) => data.attributeU32(type, value),
})

export const mac = (type: number): Attribute<string> => ({
  read: (data) => {
    const found = data.bytes(type)
    return found?.length === 6 ? formatMac(found) : undefined
  },
  write: (data, value) => data.attributeBytes(type, value === undefined ? undefined : parseMac(value)),
})

/** Each family has an attribute of its own. */
export const address = (ipv4: number, ipv6: number): Attribute<string | undefined> => ({
  read: (data) => {
    const found = data.bytes(ipv4) ?? data.bytes(ipv6)
    return found && formatIp(found)
  },
  write: (data, value) => {
    const bytes = value === undefined ? undefined : parseIp(value).bytes
    data.attributeBytes(bytes?.length === 16 ? ipv6 : ipv4, bytes)
  },
})

/** `LOW-HIGH`. */
export const portRange = (type: number): Attribute<string> => ({
  read: (data) => {
    const found = data.bytes(type)
    return found?.length === 4 ? `${found.readUInt16BE(0)}-${found.readUInt16BE(2)}` : undefined
  },
  write: (data, value) => {
    if (value === undefined) return
    const [low, high] = value.split('-').map(Number)
    const range = Buffer.alloc(4)
    range.writeUInt16BE(low ?? 0, 0)
    range.writeUInt16BE(high ?? 0, 2)
    data.attributeBytes(type, range)
  },
})

/** In hexadecimal digits. */
export const bits = (type: number): Attribute<string> => ({
  read: (data) => data.bytes(type)?.toString('hex'),
  write: (data, value) =>
    data.attributeBytes(type, value === undefined ? undefined : Buffer.from(value, 'hex')),
})

/** A number for which conet has words. */
export const oneOf = <Words extends Readonly<Record<string, number>>>(
  type: number,
  words: Words,
): Attribute<Extract<keyof Words, string>> => ({
  read: (data) => nameOf(words, data.u8(type)),
  write: (data, value) => data.attributeU8(type, value && words[value]),
})

function inSeconds(centiseconds: number | undefined): number | undefined {
  if (centiseconds === undefined) return undefined
  return (Math.round(centiseconds / COARSEST_TICK) * COARSEST_TICK) / CENTISECONDS
}

function asFlag(value: number | undefined): boolean | undefined {
  return value === undefined ? undefined : value !== 0
}

function asNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
