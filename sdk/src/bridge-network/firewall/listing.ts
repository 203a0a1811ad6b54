// Reads the driver's table as libnftables lists it, into what can be compared with what should be.
import type { NftablesObject } from '../../linux/index.ts'
import { type Policies, type Policy, type SetName, setNames } from './policy.ts'

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
  const policies = new Map(bridges.map((bridge) => [bridge, membershipOf(bridge, sets)]))
  const hasStrays =
    sets.size !== setNames.length || [...sets.values()].flat().some((name) => !policies.has(name))
  return { rules: JSON.stringify(rules, isContent), policies, hasStrays }
}

function membershipOf(bridge: string, sets: ReadonlyMap<string, readonly string[]>): Policy {
  return setNames.filter((name: SetName) => sets.get(name)?.includes(bridge) === true)
}

function setOf({ set }: NftablesObject): [string, string[]][] {
  if (!isRecord(set) || typeof set.name !== 'string') return []
  const elements = Array.isArray(set.elem) ? set.elem : []
  return [[set.name, elements.map(bridgeOf)]]
}

/** `"cnb…"`, or `{ concat: ["cnb…", "cnb…"] }` for a pair; anything else becomes a name that no bridge has. */
function bridgeOf(element: unknown): string {
  if (typeof element === 'string') return element
  if (!isRecord(element) || !Array.isArray(element.concat)) return JSON.stringify(element)
  const [one, other] = element.concat
  return typeof one === 'string' && one === other ? one : JSON.stringify(element)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
