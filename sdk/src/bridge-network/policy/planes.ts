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
    for (const [at, spans] of stack(spansOf(ruled)).entries()) {
      planes[at] ??= []
      for (const span of spans) planes[at].push(...boxesOf(protocol, span))
    }
  }
  return { addresses, boxes: planes }
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
