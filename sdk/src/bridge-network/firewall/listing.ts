// Reads the driver's table as libnftables lists it, into what can be compared with what should be.
import type { NftablesObject } from '../../linux/index.ts'
import { type ServiceMember, serviceSetNames } from './host-services.ts'
import { type Policies, type Policy, pairSets, type SetName, setNames } from './policy.ts'

export type Listing = {
  /** Chains and rules, for comparison only. */
  readonly rules: string
  readonly policies: Policies
  /** Elements that no policy accounts for: of a bridge that is not in `bridges`, or not of our making. */
  readonly hasStrays: boolean
}

/** Handles count up with every change and say nothing. */
const isContent = (key: string, value: unknown) => (key === 'handle' ? undefined : value)

export function readListing(objects: readonly NftablesObject[]): Listing {
  const rules = objects.filter((object) => !('set' in object))
  const sets = new Map(objects.flatMap(setOf))
  const bridges = sets.get('bridges') ?? []
  const policies = new Map(bridges.map(({ bridge }) => [bridge, membershipOf(bridge, sets)]))
  const hasStrays =
    sets.size !== setNames.length + serviceSetNames.length ||
    [...sets.values()].flat().some(({ bridge }) => !policies.has(bridge))
  return { rules: JSON.stringify(rules, isContent), policies, hasStrays }
}

/** An element: its bridge, and what it has behind that. */
type Element = { readonly bridge: string; readonly key: readonly string[] }

function membershipOf(bridge: string, sets: ReadonlyMap<string, readonly Element[]>): Policy {
  const elementsIn = (set: string) => (sets.get(set) ?? []).filter((element) => element.bridge === bridge)
  const services = serviceSetNames.flatMap((set) =>
    elementsIn(set).map(({ key }): ServiceMember => `${set} ${key.join(' ')}`),
  )
  return [...setNames.filter((name: SetName) => elementsIn(name).length > 0), ...services.sort()]
}

function setOf({ set }: NftablesObject): [string, Element[]][] {
  if (!isRecord(set) || typeof set.name !== 'string') return []
  const elements = Array.isArray(set.elem) ? set.elem : []
  const isOfPairs = pairSets.has(set.name)
  return [[set.name, elements.map((element) => elementOf(element, isOfPairs))]]
}

/** `"cnb…"`, or `{ concat: ["cnb…", …] }`; a pair of the same. Anything else becomes a name that no bridge has. */
function elementOf(element: unknown, isPair: boolean): Element {
  if (typeof element === 'string') return { bridge: element, key: [] }
  if (isRecord(element) && Array.isArray(element.concat)) {
    const [bridge, ...key] = element.concat.map(String)
    if (bridge !== undefined && (!isPair || bridge === key[0])) return { bridge, key }
  }
  return { bridge: JSON.stringify(element), key: [] }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
