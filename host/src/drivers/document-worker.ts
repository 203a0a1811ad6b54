// The worker thread of IsolatedChecks: checks one document against one schema.
import type { ErrorObject, ValidateFunction } from 'ajv'
import { compileSchema } from './document-schema.ts'
import type { DocumentTask } from './isolated-checks.ts'

/** Schemas of drivers that were replaced stay until the thread ends, which it does when it is idle. */
const compiled = new Map<string, ValidateFunction>()

/** What of the document its schema refuses. */
export function work({ schema, document, maxErrors }: DocumentTask): ErrorObject[] {
  const key = JSON.stringify(schema)
  const validate = compiled.get(key) ?? compileSchema(schema)
  compiled.set(key, validate)
  return validate(document) ? [] : (validate.errors ?? []).slice(0, maxErrors)
}
