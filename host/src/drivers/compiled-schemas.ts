// Validators of drivers' schemas by their content: a driver that connects again has said the same before, and a compilation
// takes longer than the rest of the handshake. Bounded, since what drivers send is.
import { createHash } from 'node:crypto'
import type { JsonSchema } from '@conet/sdk'
import type { ValidateFunction } from 'ajv'
import { compileSchema } from './document-schema.ts'

export type CompiledSchema = {
  readonly validate: ValidateFunction
  /** Its check can take longer than the document is long. */
  readonly isCostly: boolean
}

/** Three a driver. */
const mostKept = 48
/** A validator takes many times the room of its schema. */
const mostKeptBytes = 32 * 1024

const costlyKeywords: ReadonlySet<string> = new Set([
  'pattern',
  'patternProperties',
  'uniqueItems',
  '$ref',
  '$recursiveRef',
  '$dynamicRef',
])

/** The one that was used longest ago is first. */
const kept = new Map<string, CompiledSchema>()

/** `text`: the schema as JSON. Throws what is wrong with the schema. */
export function compiledSchema(schema: JsonSchema, text: string): CompiledSchema {
  const key = createHash('sha256').update(text).digest('base64')
  const compiled = kept.get(key) ?? compile(schema)
  kept.delete(key)
  if (text.length <= mostKeptBytes) kept.set(key, compiled)
  const [oldest] = kept.keys()
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
  return compiled
}

function compile(schema: JsonSchema): CompiledSchema {
  return { validate: compileSchema(schema), isCostly: hasCostlyKeyword(schema) }
}

/** Also where such a word is no keyword but the name of a member: then a thread is used without need. */
function hasCostlyKeyword(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  return Object.entries(schema).some(([key, value]) => {
    if (key === 'pattern' && isPlainPattern(value)) return false
    return costlyKeywords.has(key) || hasCostlyKeyword(value)
  })
}

/** One class of characters, repeated, from the beginning to the end (`^[0-9a-f:]{2,39}$`): there is one way to match it. */
function isPlainPattern(pattern: unknown): boolean {
  return typeof pattern === 'string' && /^\^\[[^\\[\]]+\](?:[*+?]|\{\d+(?:,\d*)?\})?\$$/.test(pattern)
}
