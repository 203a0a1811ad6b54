// Cuts the rules of a layer into what the kernel's sets take: ranges of addresses without ports, and boxes of
// protocol, addresses and ports, of which no two in one set may overlap.
import type { Layer } from './layers.ts'
import { compare, mergeAddresses, mergePorts, type PortRange } from './ranges.ts'
import type { Rule } from './rules.ts'

export type AddressSpan = { readonly start: bigint; readonly end: bigint }

/** All packets of a protocol to some addresses and ports (`type * 256 + code` of ICMP). */
export type Box = { readonly protocol: number; readonly addresses: AddressSpan; readonly ports: PortRange }

/** The sets of a layer. A packet fits the layer that fits one of them. */
export type Planes = {
  /** Whatever the protocol. */
  readonly addresses: readonly AddressSpan[]
  /** As many as address ranges of one protocol lie on top of each other. */
  readonly boxes: readonly (readonly Box[])[]
}

export function planesOf({ rules }: Layer): Planes {
  const addresses = mergeAddresses(
    rules.filter(({ protocol }) => protocol === undefined).flatMap(({ networks }) => networks),
  )
  const planes: Box[][] = []
  for (const protocol of new Set(rules.map((rule) => rule.protocol))) {
    if (protocol === undefined) continue
    const ruled = rules.filter((rule) => rule.protocol === protocol)
    for (const spans of stack(spansOf(ruled)))
      put(
        planes,
        spans.flatMap((span) => boxesOf(protocol, span)),
      )
  }
  return { addresses, boxes: planes }
}

/** The time in which the kernel makes a set grows with the square of what is in it. */
const mostBoxes = 1000

/** Boxes of one protocol that do not overlap: into sets that have none of that protocol yet. */
function put(planes: Box[][], boxes: readonly Box[]): void {
  for (let at = 0; at < boxes.length; at += mostBoxes) {
    const part = boxes.slice(at, at + mostBoxes)
    const protocol = part[0]?.protocol
    const free = planes.find((plane) => {
      return plane.length + part.length <= mostBoxes && !plane.some((box) => box.protocol === protocol)
    })
    if (free === undefined) planes.push(part)
    else free.push(...part)
  }
}

type Span = { readonly addresses: AddressSpan; readonly ports: PortRange[] }

/** One for each different range of addresses, with all ports that rules give it. */
function spansOf(rules: readonly Rule[]): Span[] {
  const spans = new Map<string, Span>()
  for (const { networks, selectors } of rules) {
    for (const { start, end } of networks) {
      const key = `${start}-${end}`
      const span = spans.get(key) ?? { addresses: { start, end }, ports: [] }
      spans.set(key, span)
      span.ports.push(...selectors)
    }
  }
  return [...spans.values()]
}

/** Side by side what does not overlap, in as few rows as possible. */
function stack(spans: readonly Span[]): Span[][] {
  const rows: Span[][] = []
  const sorted = [...spans].sort((one, other) => compare(one.addresses.start, other.addresses.start))
  for (const span of sorted) {
    const row = rows.find((each) => {
      const last = each.at(-1)
      return last === undefined || last.addresses.end < span.addresses.start
    })
    if (row === undefined) rows.push([span])
    else row.push(span)
  }
  return rows
}

function boxesOf(protocol: number, { addresses, ports }: Span): Box[] {
  return mergePorts(ports).map((range) => ({ protocol, addresses, ports: range }))
}
