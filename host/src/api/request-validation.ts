// Checks requests against the schemas of the route table. Nothing is coerced or added, and nothing but null for a list or
// an object taken away: what does not fit is refused with the path of the field.
import { ConetError, type FieldError, firstFieldErrors } from '@conet/sdk'
import { Ajv, type ValidateFunction } from 'ajv'
import { type TSchema, Type } from 'typebox'

const ajv = new Ajv({
  strict: true,
  // They are our own: to check them against the schema of schemas would take longer than to compile them.
  validateSchema: false,
  allErrors: false,
  coerceTypes: false,
  removeAdditional: false,
  verbose: true,
  // A third of the time of compiling, for what V8 does by itself.
  code: { optimize: false },
})
ajv.addKeyword({
  keyword: 'maxBytes',
  type: 'string',
  schemaType: 'number',
  validate: (limit: number, text: string) => Buffer.byteLength(text) <= limit,
  error: { message: ({ schema }) => `must have at most ${schema} bytes` },
})

/** Deeper documents are refused: what walks them, here and in drivers, recurses. */
const deepestNesting = 64

/** Returns what it was given when that fits; else throws `invalidArgument` that names the field. */
export type PartParser<T> = (value: unknown) => T

/** `what` says what was asked; `whole` names the part of the request that is parsed. */
export function partParser<T>(what: string, schema: TSchema, whole: string): PartParser<T> {
  let validate: ValidateFunction<T> | undefined
  return (value) => {
    // At first use: forty schemas at start would keep everybody waiting.
    validate ??= ajv.compile<T>(schema)
    if (validate(value)) return value
    const fields = firstFieldErrors(validate.errors)
    throw wrongFields(
      what,
      fields.length === 0
        ? [{ path: whole, message: 'is not valid' }]
        : fields.map(({ path, message }) => ({ path: path || whole, message })),
    )
  }
}

/** For a route that takes no query. */
export function noQuery(what: string): PartParser<unknown> {
  return partParser(what, Type.Object({}, { additionalProperties: false }), 'query')
}

export function wrongField(what: string, field: FieldError): ConetError {
  return wrongFields(what, [field])
}

function wrongFields(what: string, fields: FieldError[]): ConetError {
  const reasons = fields.map(({ path, message }) => `${path} ${message}`)
  return new ConetError('invalidArgument', `${what}: ${reasons.join('; ')}`, { fields })
}

/**
 * Throws if the document is nested too deeply, has a key that stands for an object's prototype, or a number that
 * would be stored as none. No recursion.
 */
export function assertHarmless(document: unknown): void {
  let level: object[] = objectsIn([document])
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepestNesting) throw badBody(`is nested deeper than ${deepestNesting}`)
    if (level.some((object) => Object.hasOwn(object, '__proto__'))) throw badBody('has a key "__proto__"')
    if (level.some(hasEndlessNumber)) throw badBody('has a number that is too large')
    level = level.flatMap((object) => objectsIn(Object.values(object)))
  }
}

/** JSON.parse makes Infinity of 1e999, and JSON.stringify makes null of that. */
function hasEndlessNumber(object: object): boolean {
  return Object.values(object).some((value) => typeof value === 'number' && !Number.isFinite(value))
}

function objectsIn(values: readonly unknown[]): object[] {
  return values.filter((value) => typeof value === 'object' && value !== null)
}

function badBody(message: string): ConetError {
  return wrongField('read the body', { path: 'body', message })
}
