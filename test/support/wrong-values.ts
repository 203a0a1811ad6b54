// Everything that a JSON Schema forbids at each of its fields, for tests that send it.

type Schema = Readonly<Record<string, unknown>>

/** A body with one fault, as text, since JSON can say what JavaScript cannot hold; and the field that is at fault. */
export type WrongBody = { readonly path: string; readonly text: string; readonly why: string }

type Wrong = { readonly json: string; readonly why: string; readonly path?: string }

const far = 'x'.repeat(70_000)
const hostileTexts = [
  '',
  ' ',
  '../x',
  '%2e%2e%2fx',
  '/etc/passwd',
  '-x',
  'a b',
  'a\u0000b',
  '\u001b[31m',
  'é\u202e',
  far,
]

/** One body a fault: at each field of the schema each value that it forbids, in an otherwise good body. */
export function wrongBodies(schema: object, good: Readonly<Record<string, unknown>>): WrongBody[] {
  const fields = objectIn(schema, 'properties')
  const bodies = Object.entries(fields).flatMap(([name, field]) =>
    wrongOf(name, field, schema).map((wrong) => bodyWith(good, name, wrong)),
  )
  return [...bodies, ...missing(schema, good), ...unknownKeys(schema, good)]
}

function bodyWith(good: Readonly<Record<string, unknown>>, name: string, wrong: Wrong): WrongBody {
  const others = Object.entries(good).filter(([key]) => key !== name)
  const members = others.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  const text = `{${[...members, `${JSON.stringify(name)}:${wrong.json}`].join(',')}}`
  return { path: `${name}${wrong.path ?? ''}`, text, why: wrong.why }
}

function missing(schema: object, good: Readonly<Record<string, unknown>>): WrongBody[] {
  const { required = [] }: { required?: unknown } = schema
  if (!Array.isArray(required)) return []
  return required.map((name) => {
    const text = JSON.stringify(Object.fromEntries(Object.entries(good).filter(([key]) => key !== name)))
    return { path: String(name), text, why: 'missing' }
  })
}

function unknownKeys(schema: object, good: Readonly<Record<string, unknown>>): WrongBody[] {
  if (!('additionalProperties' in schema) || schema.additionalProperties !== false) return []
  return ['bogus', 'constructor', 'toString', ''].map((key) =>
    bodyWith(good, key, { json: '1', why: 'unknown' }),
  )
}

/** Of a member: one that may be absent is so, too, by null. */
function wrongOf(name: string, field: unknown, schema: object): Wrong[] {
  const { required = [] }: { required?: unknown } = schema
  const isRequired = Array.isArray(required) && required.includes(name)
  return wrongValues(field).filter(({ json }) => isRequired || json !== 'null')
}

function wrongValues(schema: unknown): Wrong[] {
  if (!isSchema(schema)) throw new Error('no schema')
  return [...wrongTypes(schema), ...wrongContents(schema)]
}

const samples: Readonly<Record<string, string>> = {
  string: '"x"',
  integer: '7',
  boolean: 'true',
  array: '[]',
  object: '{}',
  null: 'null',
}

function wrongTypes(schema: Schema): Wrong[] {
  const types = typesOf(schema)
  return Object.entries(samples)
    .filter(([type]) => !types.includes(type))
    .map(([type, json]) => ({ json, why: `${type} for ${types.join(' or ')}` }))
}

function typesOf(schema: Schema): string[] {
  const { type, anyOf } = schema
  if (typeof type === 'string') return [type]
  return Array.isArray(anyOf) ? anyOf.filter(isSchema).flatMap(typesOf) : []
}

function wrongContents(schema: Schema): Wrong[] {
  const { type } = schema
  if (type === 'string') return wrongTexts(schema)
  if (type === 'integer') return wrongNumbers(schema)
  if (type === 'array') return wrongItems(schema)
  if (type === 'object') return wrongMembers(schema)
  return []
}

function wrongTexts({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema): Wrong[] {
  const isFine = (text: string) =>
    (typeof pattern !== 'string' || new RegExp(pattern, 'u').test(text)) &&
    text.length >= Number(minLength) &&
    text.length <= Number(maxLength)
  return hostileTexts
    .filter((text) => !isFine(text))
    .map((text) => ({ json: JSON.stringify(text), why: `text ${JSON.stringify(text.slice(0, 20))}` }))
}

function wrongNumbers({ minimum, maximum }: Schema): Wrong[] {
  const outside = [
    ...(typeof minimum === 'number' ? [`${minimum - 1}`] : []),
    ...(typeof maximum === 'number' ? [`${maximum + 1}`] : []),
  ]
  return ['1.5', '-1', '1e999', '-1e999', ...outside].map((json) => ({
    json,
    why: `number ${json}`,
    path: '',
  }))
}

function wrongItems({ items, maxItems }: Schema): Wrong[] {
  const inside = wrongValues(items).map((wrong) => ({
    ...wrong,
    json: `[${wrong.json}]`,
    path: `[0]${wrong.path ?? ''}`,
  }))
  if (typeof maxItems !== 'number') return inside
  return [
    ...inside,
    {
      json: `[${Array(maxItems + 1)
        .fill('"x"')
        .join(',')}]`,
      why: `more than ${maxItems}`,
    },
  ]
}

function wrongMembers(schema: Schema): Wrong[] {
  const { patternProperties } = schema
  if (isSchema(schema.properties)) {
    return Object.entries(schema.properties).flatMap(([name, field]) =>
      wrongOf(name, field, schema).map((wrong) => member(name, wrong, requiredBut(name, schema))),
    )
  }
  const [value] = isSchema(patternProperties) ? Object.values(patternProperties) : []
  if (!isSchema(value) || typesOf(value).length === 0) return []
  const keys = ['k', 'a\nb', 'constructor', 'toString']
  return keys.flatMap((key) =>
    wrongTypes(value).map((wrong) => ({ json: member(key, wrong).json, why: wrong.why })),
  )
}

/** The other members that are required, each with a value that its schema lets pass. */
function requiredBut(name: string, { required, properties }: Schema): string[] {
  const others = Array.isArray(required) ? required.map(String).filter((other) => other !== name) : []
  return others.map(
    (other) => `${JSON.stringify(other)}:${fine(objectIn(isSchema(properties) ? properties : {}, other))}`,
  )
}

const fineTexts = ['x', '10.0.0.2']

function fine(schema: Schema): string {
  const { type = 'string', pattern = '', items } = schema
  if (type === 'array') return `[${fine(isSchema(items) ? items : {})}]`
  if (type !== 'string') return samples[String(type)] ?? 'null'
  return JSON.stringify(fineTexts.find((text) => new RegExp(String(pattern), 'u').test(text)) ?? 'x')
}

function member(name: string, wrong: Wrong, others: readonly string[] = []): Wrong {
  const json = `{${[...others, `${JSON.stringify(name)}:${wrong.json}`].join(',')}}`
  return { json, why: wrong.why, path: `.${name}${wrong.path ?? ''}` }
}

function objectIn(schema: object, key: string): Schema {
  const value: unknown = Reflect.get(schema, key)
  return isSchema(value) ? value : {}
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
