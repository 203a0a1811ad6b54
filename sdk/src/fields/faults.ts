// What a schema refuses, in words: what is allowed, an example where the schema has one, and what was found. A table from
// the keywords of JSON Schema; the errors are ajv's, and say most when it is `verbose`.
import type { ErrorObject } from 'ajv'
import { allowedBy, formOf, shown } from './forms.ts'

type Schema = Readonly<Record<string, unknown>>

/** `mustBe` goes on after "must be", so that alternatives can be joined; `says` stands alone. */
type Words = { readonly mustBe: string } | { readonly says: string }

/** One fault in words, to stand behind the path of its field. */
export function faultOf(error: ErrorObject): string {
  const words = wordsOf(error)
  return 'says' in words ? words.says : `must be ${words.mustBe}${found(error)}`
}

/** Several faults of one field of which one had to be avoided: the branches of an `anyOf`. */
export function faultOfAny(errors: readonly ErrorObject[]): string {
  const [first] = errors
  if (errors.every(({ keyword }) => keyword === 'additionalProperties'))
    return unknownMember(mergedOf(errors))
  const values = new Set(errors.flatMap(valuesOf))
  const words: Words[] = errors.filter((error) => valuesOf(error).length === 0).map(wordsOf)
  if (values.size > 0) words.push({ mustBe: oneOf([...values]) })
  const allowed = words.flatMap((word) => ('mustBe' in word ? [word.mustBe] : []))
  if (first !== undefined && allowed.length === words.length)
    return `must be ${[...new Set(allowed)].join(', or ')}${found(first)}`
  return [...new Set(errors.map(faultOf))].join(', or ')
}

/** The members of all. */
function mergedOf(errors: readonly ErrorObject[]): Schema {
  const members = errors.map((error) => schemaOf(error).properties).filter(isSchema)
  return { properties: Object.fromEntries(members.flatMap((each) => Object.entries(each))) }
}

/** Where only certain values are allowed. */
function valuesOf({ keyword, params }: ErrorObject): unknown[] {
  if (keyword === 'const') return [params.allowedValue]
  return keyword === 'enum' && Array.isArray(params.allowedValues) ? params.allowedValues : []
}

function wordsOf(error: ErrorObject): Words {
  const say = table[error.keyword]
  return say?.(error, schemaOf(error)) ?? { says: error.message ?? 'is not allowed' }
}

type Say = (error: ErrorObject, schema: Schema) => Words

const number: Say = (_error, schema) => ({ mustBe: numberWords(schema) })

const table: Readonly<Record<string, Say>> = {
  required: () => ({ says: 'is required' }),
  dependentRequired: ({ params }) => ({ says: `needs ${params.missingProperty} beside it` }),
  dependencies: ({ params }) => ({ says: `needs ${params.missingProperty} beside it` }),
  additionalProperties: (_error, schema) => ({ says: unknownMember(schema) }),
  unevaluatedProperties: () => ({ says: 'has a member that is not known' }),
  propertyNames: ({ params }) => ({
    says: `has a member that is not allowed: ${shown(params.propertyName)}`,
  }),
  type: ({ params }, schema) => ({ mustBe: typeWords(params.type, schema) }),
  pattern: ({ params }, schema) => ({ mustBe: patternWords(params.pattern, schema) }),
  format: ({ params }) => ({ mustBe: `text in the format ${params.format}` }),
  enum: ({ params }) => ({ mustBe: oneOf(params.allowedValues) }),
  const: ({ params }) => ({ mustBe: shown(params.allowedValue) }),
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: ({ params }) => ({ mustBe: `a multiple of ${params.multipleOf}` }),
  minLength: ({ data }, schema) =>
    data === '' ? { says: 'must not be empty' } : { says: lengthWords(schema, data) },
  maxLength: ({ data }, schema) => ({ says: lengthWords(schema, data) }),
  maxBytes: ({ message }) => ({ says: message ?? 'is too long' }),
  minItems: ({ params }) => ({ says: `must have at least ${counted(params.limit, 'entry', 'entries')}` }),
  maxItems: ({ params }) => ({ says: `must have at most ${counted(params.limit, 'entry', 'entries')}` }),
  uniqueItems: ({ params }) => ({ says: `has the same entry twice, at ${params.j} and ${params.i}` }),
  contains: () => ({ says: 'lacks an entry that it must have' }),
  minProperties: ({ params }) => ({
    says: `must have at least ${counted(params.limit, 'member', 'members')}`,
  }),
  maxProperties: ({ params }) => ({
    says: `must have at most ${counted(params.limit, 'member', 'members')}`,
  }),
  anyOf: () => ({ says: 'has none of the forms that are allowed' }),
  oneOf: ({ params }) => ({
    says: Array.isArray(params.passingSchemas)
      ? 'has several of the forms of which it may have one'
      : 'has none of the forms that are allowed',
  }),
  not: () => ({ says: 'has a form that is not allowed' }),
  if: () => ({ says: 'does not go with what stands beside it' }),
  'false schema': () => ({ says: 'is not allowed here' }),
}

const types: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

function typeWords(type: unknown, schema: Schema): string {
  const names: unknown[] = Array.isArray(type) ? type : [type]
  const [only] = names
  if (names.length > 1) return names.map((name) => typeWords(name, {})).join(' or ')
  if (Array.isArray(schema.enum)) return oneOf(schema.enum)
  if (only === 'integer' || only === 'number') return numberWords({ ...schema, type: only })
  const form = only === 'string' ? formOf(schema.pattern) : undefined
  return form === undefined ? `${types[String(only)] ?? only}${exampleOf(schema)}` : allowedBy(form)
}

/** A driver's pattern has no words of ours: its author's example and description speak for it, and last it itself. */
function patternWords(pattern: unknown, schema: Schema): string {
  const form = formOf(pattern)
  if (form !== undefined) return allowedBy(form)
  const example = exampleOf(schema)
  const about = typeof schema.description === 'string' ? ` (${schema.description})` : ''
  return example === ''
    ? `text that fits the expression ${pattern}${about}`
    : `of another form${example}${about}`
}

function numberWords(schema: Schema): string {
  const { type, minimum: least, maximum: most, exclusiveMinimum: above, exclusiveMaximum: below } = schema
  const word = type === 'integer' ? 'a whole number' : 'a number'
  if (least !== undefined && most !== undefined) return `${word} from ${least} to ${most}`
  const limits = [
    least === undefined ? [] : `of at least ${least}`,
    above === undefined ? [] : `above ${above}`,
    most === undefined ? [] : `of at most ${most}`,
    below === undefined ? [] : `below ${below}`,
  ].flat()
  return `${[word, limits.join(' and ')].filter((part) => part !== '').join(' ')}${exampleOf(schema)}`
}

function lengthWords({ minLength: least, maxLength: most }: Schema, data: unknown): string {
  const limits =
    least === undefined || least === 0
      ? `at most ${most}`
      : most === undefined
        ? `at least ${least}`
        : `${least} to ${most}`
  const has = typeof data === 'string' ? `; it has ${[...data].length}` : ''
  return `must have ${limits} characters${has}`
}

function unknownMember({ properties, patternProperties }: Schema): string {
  const names = isSchema(properties) ? Object.keys(properties) : []
  const [pattern] = isSchema(patternProperties) ? Object.keys(patternProperties) : []
  const form = formOf(pattern)
  if (names.length > 0) return `is not known here; known are ${names.join(', ')}`
  return form === undefined
    ? 'is not known here: nothing is'
    : `is no name that is allowed: it must be ${allowedBy(form)}`
}

function oneOf(values: unknown): string {
  const named = Array.isArray(values) ? values.map(shown) : [shown(values)]
  return named.length === 1 ? named.join() : `one of ${named.join(', ')}`
}

function exampleOf({ examples }: Schema): string {
  return Array.isArray(examples) && examples.length > 0 ? `, such as ${shown(examples[0])}` : ''
}

function found({ data }: ErrorObject): string {
  return data === undefined ? '' : `; found ${shown(data)}`
}

function counted(count: unknown, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`
}

function schemaOf({ parentSchema }: ErrorObject): Schema {
  return isSchema(parentSchema) ? parentSchema : {}
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null
}
