// A policy as the tables of the kernel hold it: for each family some layers of sets. Equal policies compile to equal
// names, so that many containers share one.
import { createHash } from 'node:crypto'
import { layersOf } from './layers.ts'
import { type AddressSpan, type Planes, planesOf } from './planes.ts'
import type { Family, PortRange } from './ranges.ts'
import type { EgressPolicy, Verdict } from './rules.ts'

export type CompiledLayer = { readonly verdict: Verdict; readonly isLogged: boolean } & Planes

/** What becomes of packets of one family. */
export type CompiledPolicy = {
  readonly family: Family
  readonly usual: Verdict
  readonly layers: readonly CompiledLayer[]
  /** What log lines begin with; empty where nothing is logged. */
  readonly logPrefix: string
  /** 15 digits, made of the content. */
  readonly id: string
}

/** Counts up when other rules come of the same layers: what a former version has left is then made anew. */
const form = 2

/** As many as the name of an interface has: such is the type of the name in the kernel. */
const idDigits = 15

/** `logPrefix` keeps those apart whose log lines differ. Undefined where all is allowed and nothing logged. */
export function compile(
  policy: EgressPolicy,
  { family, logPrefix }: { family: Family; logPrefix: string },
): CompiledPolicy | undefined {
  const { usual } = policy
  const layers = layersOf(policy, family).map((layer) => {
    const { verdict, isLogged } = layer
    return { verdict, isLogged, ...planesOf(layer) }
  })
  if (layers.length === 0 && usual === 'allow') return undefined
  const prefix = layers.some(({ isLogged }) => isLogged) ? logPrefix : ''
  const content = JSON.stringify([form, family, usual, layers.map(contentOf), prefix])
  const id = createHash('sha256').update(content).digest('hex').slice(0, idDigits)
  return { family, usual, layers, logPrefix: prefix, id }
}

const contentOf = ({ verdict, isLogged, addresses, boxes }: CompiledLayer) => [
  verdict,
  isLogged,
  addresses.map(spanText),
  boxes.map((plane) =>
    plane.map((box) => `${box.protocol} ${spanText(box.addresses)} ${spanText(box.ports)}`),
  ),
]

const spanText = ({ start, end }: AddressSpan | PortRange) => `${start.toString(36)}-${end.toString(36)}`
