// A layer of a compiled policy as what its rules look at: a few comparisons, or one set where there is more to compare.
import {
  type Expression,
  isBetween,
  isIn,
  loadPayload,
  loadProtocol,
  type SetElement,
} from '../../linux/netfilter/index.ts'
import type { CompiledLayer } from '../policy/compile.ts'
import type { AddressSpan, Box } from '../policy/planes.ts'
import { addressBytes, type Family, lastAddress } from '../policy/ranges.ts'
import { protocols } from '../policy/rules.ts'

/** libnftables' numbers of types. */
const TYPE = { ipv4: 7, ipv6: 8, protocol: 12, service: 13 } as const
const TYPE_BITS = 6

const header = { 4: { offset: 16, length: 4 }, 6: { offset: 24, length: 16 } } as const

/**
 * So many are compared one after the other: the kernel looks for a set through the list of all sets of a table, so that a
 * thousand policies of three sets each are ten times as slow to change as those with one.
 */
const fewComparisons = 8

/** What of a layer is looked up at once. A packet that fits one of the matches has the layer's outcome. */
export type Part = {
  readonly matches: readonly (readonly Expression[])[]
  readonly set?: {
    readonly name: string
    readonly keyType: number
    readonly fields: readonly number[]
    readonly elements: readonly SetElement[]
  }
} & Pick<CompiledLayer, 'verdict' | 'isLogged'>

type PartPlace = { readonly prefix: string; readonly family: Family }

export function partsOf(layer: CompiledLayer, { prefix, family }: PartPlace): Part[] {
  const { verdict, isLogged, addresses, boxes } = layer
  const parts = [
    ...spanParts(addresses, { prefix: `${prefix}_a`, family }),
    ...boxes.flatMap((plane, at) => [
      ...boxParts(
        plane.filter((box) => !isIcmp(box)),
        { prefix: `${prefix}_${at}p`, family, offset: portOffset },
      ),
      ...boxParts(plane.filter(isIcmp), { prefix: `${prefix}_${at}i`, family, offset: icmpOffset }),
    ]),
  ]
  return parts.map((part) => ({ ...part, verdict, isLogged }))
}

const isIcmp = ({ protocol }: Box) => protocol === protocols.icmp || protocol === protocols.icmpv6

/** Where in the transport header the two bytes are that rules look at: the destination port, or ICMP's type and code. */
const portOffset = 2
const icmpOffset = 0

type Matching = Pick<Part, 'matches' | 'set'>

function spanParts(spans: readonly AddressSpan[], { prefix: name, family }: PartPlace): Matching[] {
  if (spans.length <= fewComparisons) {
    return spans.length === 0 ? [] : [{ matches: spans.map((span) => isDestination(span, family)) }]
  }
  const elements = spans.flatMap((span) => spanElements(span, family))
  const set = { name, keyType: addressType(family), fields: [header[family].length], elements }
  return [{ matches: [[loadDestination(family, 0), isIn(name)]], set }]
}

function boxParts(
  boxes: readonly Box[],
  { prefix: name, family, offset }: PartPlace & { offset: number },
): Matching[] {
  if (boxes.length === 0) return []
  const loadSelector = (register: number) => loadPayload(register, { base: 'transport', offset, length: 2 })
  if (boxes.length <= fewComparisons) {
    const matches = boxes.map(({ protocol, addresses, ports }) => [
      loadProtocol(0),
      isBetween(0, { first: Uint8Array.of(protocol), last: Uint8Array.of(protocol) }),
      ...isDestination(addresses, family),
      loadSelector(0),
      isBetween(0, { first: portBytes(ports.start), last: portBytes(ports.end) }),
    ])
    return [{ matches }]
  }
  const keyType = (((TYPE.protocol << TYPE_BITS) | addressType(family)) << TYPE_BITS) | TYPE.service
  const fields = [1, header[family].length, 2]
  const set = { name, keyType, fields, elements: boxes.map((box) => boxElement(box, family)) }
  const afterAddress = 1 + header[family].length / 4
  return [
    { matches: [[loadProtocol(0), loadDestination(family, 1), loadSelector(afterAddress), isIn(name)]], set },
  ]
}

const addressType = (family: Family) => (family === 4 ? TYPE.ipv4 : TYPE.ipv6)

const loadDestination = (family: Family, register: number) =>
  loadPayload(register, { base: 'network', ...header[family] })

/** Nothing to look at for all addresses. */
function isDestination({ start, end }: AddressSpan, family: Family): Expression[] {
  if (start === 0n && end === lastAddress[family]) return []
  const range = { first: addressBytes(start, family), last: addressBytes(end, family) }
  return [loadDestination(family, 0), isBetween(0, range)]
}

/** Where it starts, and the first address behind it. */
function spanElements({ start, end }: AddressSpan, family: Family): SetElement[] {
  const first = { key: addressBytes(start, family) }
  if (end === lastAddress[family]) return [first]
  return [first, { key: addressBytes(end + 1n, family), isEnd: true }]
}

function boxElement({ protocol, addresses, ports }: Box, family: Family): SetElement {
  const key = (address: bigint, port: number) => {
    const bytes = Buffer.alloc(header[family].length + 8)
    bytes[0] = protocol
    bytes.set(addressBytes(address, family), 4)
    bytes.writeUInt16BE(port, bytes.length - 4)
    return bytes
  }
  return { key: key(addresses.start, ports.start), keyEnd: key(addresses.end, ports.end) }
}

export function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff])
}
