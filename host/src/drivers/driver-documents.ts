// The JSON Schemas that a driver publishes, and users' documents checked against them before the driver is called.
// A schema comes from another process: it is bounded, self-contained, and a bad one rejects the driver that sent it.
import { ConetError, type FieldError, fieldErrors, type InitializeResult, type JsonSchema } from '@conet/sdk'
import type { ErrorObject } from 'ajv'
import { type CompiledSchema, compiledSchema } from './compiled-schemas.ts'
import type { IsolatedChecks } from './isolated-checks.ts'

const maxSchemaBytes = 256 * 1024
const maxReportedFields = 32
/** A schema with alternatives has several for one wrong field. */
const maxErrors = 16 * maxReportedFields

export type DocumentKind = 'config' | 'attachment' | 'policy'

export type DriverSchemas = Pick<InitializeResult, 'configSchema' | 'attachmentSchema' | 'policySchema'>

type Checked = CompiledSchema & { readonly schema: JsonSchema }

export class DriverDocuments {
  readonly #driver: string
  readonly #isolated: IsolatedChecks
  readonly #checked: ReadonlyMap<DocumentKind, Checked>

  /** Throws `protocolViolation` that names the schema and what is wrong with it. */
  constructor(
    driver: string,
    { configSchema, attachmentSchema, policySchema }: DriverSchemas,
    isolated: IsolatedChecks,
  ) {
    this.#driver = driver
    this.#isolated = isolated
    const schemas = { config: configSchema, attachment: attachmentSchema, policy: policySchema } as const
    const checked = new Map<DocumentKind, Checked>()
    for (const kind of ['config', 'attachment', 'policy'] as const) {
      const schema = schemas[kind]
      if (schema !== undefined) checked.set(kind, checkedSchema(`${kind}Schema`, schema))
    }
    this.#checked = checked
  }

  /**
   * Throws `invalidArgument` with a path such as `config.mtu` for each wrong field; `at` is where the document stands.
   * Throws `deadlineExceeded` when the schema takes too long over the document.
   */
  async check(kind: DocumentKind, document: object, at: string): Promise<void> {
    const checked = this.#checked.get(kind)
    if (checked === undefined) return
    const errors = await this.#errorsOf(document, checked)
    if (errors.length === 0) return
    const fields = fieldErrors(errors)
      .slice(0, maxReportedFields)
      .map(({ path, message }) => fieldBelow(at, path, message))
    const text = fields.map(({ path, message }) => `${path} ${message}`).join('; ')
    throw new ConetError('invalidArgument', `${text} (says driver "${this.#driver}")`, { fields })
  }

  async #errorsOf(document: object, { schema, validate, isCostly }: Checked): Promise<ErrorObject[]> {
    // The usual document is empty, which costs nothing under any schema.
    if (isCostly && Object.keys(document).length > 0) {
      const task = { schema, document, maxErrors }
      return await this.#isolated.run(task, `check a document against the schema of driver "${this.#driver}"`)
    }
    return validate(document) ? [] : (validate.errors ?? []).slice(0, maxErrors)
  }
}

function fieldBelow(at: string, path: string, message: string): FieldError {
  if (path === '') return { path: at, message }
  return { path: path.startsWith('[') ? `${at}${path}` : `${at}.${path}`, message }
}

function checkedSchema(what: string, schema: JsonSchema): Checked {
  const text = JSON.stringify(schema)
  const bytes = Buffer.byteLength(text)
  if (bytes > maxSchemaBytes) throw badSchema(what, `it has ${bytes} bytes, the limit is ${maxSchemaBytes}`)
  // An asynchronous validator answers with a promise, which would pass for "valid".
  if (schema.$async !== undefined) throw badSchema(what, 'it is asynchronous ($async)')
  try {
    return { schema, ...compiledSchema(schema, text) }
  } catch (cause) {
    throw badSchema(what, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function badSchema(what: string, why: string, cause?: unknown): ConetError {
  return new ConetError('protocolViolation', `answer to initialize: ${what} cannot be used: ${why}`, {
    cause,
  })
}
