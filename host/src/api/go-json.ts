// Bodies as Go's decoder takes them (encoding/json): names of members in any case, and null for a whole document or an
// entry of a list, which are what they are when nobody says anything.
import { IsArray, IsObject, IsUnion, type TSchema } from 'typebox'

/** The document with the names that the schema has; null is an empty one. What fits nothing stays as it is. */
export function asGoReads(document: unknown, schema: TSchema): unknown {
  return filled(document, schema)
}

/** Of a list or an object, null is an empty one. */
function filled(value: unknown, schema: TSchema): unknown {
  if (value !== null) return named(value, schema)
  if (IsArray(schema)) return []
  return IsObject(schema) ? {} : value
}

function named(value: unknown, schema: TSchema | undefined): unknown {
  if (IsUnion(schema)) return named(value, schema.anyOf.find(isStructure))
  if (IsArray(schema)) return Array.isArray(value) ? value.map((item) => filled(item, schema.items)) : value
  if (!IsObject(schema) || !isRecord(value)) return value
  const members = Object.entries(value).map(([key, member]) => {
    const name = nameOf(key, Object.keys(schema.properties))
    return [name, named(member, schema.properties[name])]
  })
  return Object.fromEntries(members)
}

/** An exact match counts before others. */
function nameOf(key: string, names: readonly string[]): string {
  if (names.includes(key)) return key
  return names.find((name) => name.toLowerCase() === key.toLowerCase()) ?? key
}

function isStructure(schema: TSchema): boolean {
  return IsArray(schema) || IsObject(schema)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
