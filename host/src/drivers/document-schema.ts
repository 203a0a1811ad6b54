// Makes a validator of a JSON Schema that a driver has published. Runs on both threads, so it loads nothing else.
import type { JsonSchema } from '@conet/sdk'
import { Ajv, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

// Unknown keywords and formats are annotations, as the standard has it: vendors put their own into schemas.
// A document's inherited members (`toString`) are no members of it.
const ajvOptions: Options = {
  strict: false,
  validateFormats: false,
  allErrors: true,
  verbose: true,
  ownProperties: true,
  logger: false,
  // A third of the time of compiling, for what V8 does by itself.
  code: { optimize: false },
}

type Dialect = typeof Ajv | typeof Ajv2020

/** Each knows the schema of schemas of its dialect and no other: it takes longer to compile than most schemas do. */
const judges = new Map<Dialect, Ajv | Ajv2020>()

/** Throws what is wrong with the schema. An instance for each, so that the `$id` of one cannot meet another's. */
export function compileSchema(schema: JsonSchema): ValidateFunction {
  const Dialect = usesDialect2020(schema) ? Ajv2020 : Ajv
  const judge = judges.get(Dialect) ?? new Dialect(ajvOptions)
  judges.set(Dialect, judge)
  judge.validateSchema(schema, true)
  const ajv = new Dialect({ ...ajvOptions, validateSchema: false })
  // Nothing is ever loaded: a $ref to what the schema does not hold itself is an error.
  return ajv.compile(schema)
}

function usesDialect2020(schema: JsonSchema): boolean {
  return typeof schema.$schema === 'string' && schema.$schema.includes('2020-12')
}
