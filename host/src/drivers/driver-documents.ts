// The JSON Schemas that a driver publishes, and users' documents checked against them before the driver is called.
// A schema comes from another process: it is bounded, self-contained, and a bad one rejects the driver that sent it.
import { ConetError, type FieldError, fieldErrors, type InitializeResult, type JsonSchema } from '@conet/sdk'
import { Ajv, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

export const maxSchemaBytes = 256 * 1024
const maxReportedFields = 32

// Unknown keywords and formats are annotations, as the standard has it: vendors put their own into schemas.
// A document's inherited members (`toString`) are no members of it.
const ajvOptions: Options = {
  strict: false,
  validateFormats: false,
  allErrors: true,
  ownProperties: true,
  logger: false,
}

export type DocumentKind = 'config' | 'attachment' | 'policy'

export type DriverSchemas = Pick<InitializeResult, 'configSchema' | 'attachmentSchema' | 'policySchema'>

export class DriverDocuments {
  readonly #driver: string
  readonly #validators: ReadonlyMap<DocumentKind, ValidateFunction>

  /** Throws `protocolViolation` that names the schema and what is wrong with it. */
  constructor(driver: string, { configSchema, attachmentSchema, policySchema }: DriverSchemas) {
    this.#driver = driver
    const schemas = { config: configSchema, attachment: attachmentSchema, policy: policySchema } as const
    const validators = new Map<DocumentKind, ValidateFunction>()
    for (const kind of ['config', 'attachment', 'policy'] as const) {
      const schema = schemas[kind]
      if (schema !== undefined) validators.set(kind, compileSchema(`${kind}Schema`, schema))
    }
    this.#validators = validators
  }

  /** Throws `invalidArgument` with a path such as `config.mtu` for each wrong field; `at` is where the document stands. */
  check(kind: DocumentKind, document: unknown, at: string): void {
    const validate = this.#validators.get(kind)
    if (validate === undefined || validate(document)) return
    const fields = fieldErrors(validate.errors?.slice(0, maxReportedFields)).map(({ path, message }) =>
      fieldBelow(at, path, message),
    )
    const text = fields.map(({ path, message }) => `${path} ${message}`).join('; ')
    throw new ConetError('invalidArgument', `${text} (says driver "${this.#driver}")`, { fields })
  }
}

function fieldBelow(at: string, path: string, message: string): FieldError {
  if (path === '') return { path: at, message }
  return { path: path.startsWith('[') ? `${at}${path}` : `${at}.${path}`, message }
}

/** An instance for each schema, so that the `$id` of one cannot meet another's. */
function compileSchema(what: string, schema: JsonSchema): ValidateFunction {
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > maxSchemaBytes) throw badSchema(what, `it has ${bytes} bytes, the limit is ${maxSchemaBytes}`)
  // An asynchronous validator answers with a promise, which would pass for "valid".
  if (schema.$async !== undefined) throw badSchema(what, 'it is asynchronous ($async)')
  try {
    const ajv = usesDialect2020(schema) ? new Ajv2020(ajvOptions) : new Ajv(ajvOptions)
    // Nothing is ever loaded: a $ref to what the schema does not hold itself is an error.
    return ajv.compile(schema)
  } catch (cause) {
    throw badSchema(what, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function usesDialect2020(schema: JsonSchema): boolean {
  return typeof schema.$schema === 'string' && schema.$schema.includes('2020-12')
}

function badSchema(what: string, why: string, cause?: unknown): ConetError {
  return new ConetError('protocolViolation', `answer to initialize: ${what} cannot be used: ${why}`, {
    cause,
  })
}
