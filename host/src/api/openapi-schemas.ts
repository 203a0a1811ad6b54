// The API's schemas as generators of clients like them: named ones in one place, and of two ways to say the same the one
// that they all understand. The server checks with the schemas themselves.
import * as api from '@conet/sdk/api'
import { IsSchema, type TSchema } from 'typebox'

type JsonObject = Record<string, unknown>

/** By their text, since TypeBox copies a schema that becomes optional. The first of two names counts. */
const names = new Map<string, string>()
for (const [name, value] of Object.entries<unknown>(api)) {
  if (!IsSchema(value) || !('properties' in value)) continue
  const text = JSON.stringify(value)
  if (!names.has(text)) names.set(text, name)
}

/** `components.schemas` of the document: every schema of an object that the API has a name for. */
export function schemaComponents(): JsonObject {
  const named = new Map(Object.entries<unknown>(api))
  return Object.fromEntries([...names.values()].sort().map((name) => [name, readable(named.get(name))]))
}

/** A reference where the schema has a name. */
export function schemaOf(schema: TSchema): unknown {
  return referring(schema)
}

function referring(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(referring)
  if (typeof value !== 'object' || value === null) return value
  const name = 'properties' in value ? names.get(JSON.stringify(value)) : undefined
  return name === undefined ? readable(value) : { $ref: `#/components/schemas/${name}` }
}

function readable(value: unknown): unknown {
  const members = new Map(Object.entries(value ?? {}))
  const choices = literalsOf(members.get('anyOf'))
  if (choices !== undefined) return { type: 'string', enum: choices }
  const { patternProperties, const: literal, ...rest } = Object.fromEntries(members)
  return {
    ...Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, referringMember(key, member)])),
    ...(literal !== undefined && { enum: [literal] }),
    ...(patternProperties !== undefined && mapOf(patternProperties)),
  }
}

/** The names of properties are no keywords: `const` may be one of them. */
function referringMember(key: string, member: unknown): unknown {
  if (key !== 'properties' || typeof member !== 'object' || member === null) return referring(member)
  return Object.fromEntries(Object.entries(member).map(([name, schema]) => [name, referring(schema)]))
}

/** Of an `anyOf` that is a choice among texts. */
function literalsOf(anyOf: unknown): string[] | undefined {
  if (!Array.isArray(anyOf)) return undefined
  const literals = anyOf.flatMap((one: { const?: unknown }) =>
    typeof one.const === 'string' ? [one.const] : [],
  )
  return literals.length === anyOf.length ? literals : undefined
}

/** An object of which the names of the members are the user's. */
function mapOf(patternProperties: object): JsonObject {
  const [[pattern, schema] = ['', {}]] = Object.entries(patternProperties)
  const isAny = pattern === '^.*$'
  return { additionalProperties: referring(schema), ...(!isAny && { propertyNames: { pattern } }) }
}
