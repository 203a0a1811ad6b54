// Whether two values are the same JSON. Node's own comparison looks at prototypes and symbols as well, which takes five
// times as long.
import { isJsonObject, type JsonObject } from './framing.ts'

/** For what JSON.parse makes: no cycles, and nothing but plain objects, arrays and primitive values. */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (Array.isArray(one)) return Array.isArray(other) && areSameItems(one, other)
  return isJsonObject(one) && isJsonObject(other) && haveSameMembers(one, other)
}

function areSameItems(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => isSameJson(item, other[index]))
}

function haveSameMembers(one: JsonObject, other: JsonObject): boolean {
  let members = 0
  for (const name in one) {
    if (!Object.hasOwn(other, name) || !isSameJson(one[name], other[name])) return false
    members += 1
  }
  return Object.keys(other).length === members
}
