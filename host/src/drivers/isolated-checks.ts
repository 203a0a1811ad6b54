// Checks of users' documents on threads of their own. The expressions in a schema come from a driver: one that
// backtracks (`^(a+)+$`) can take for ever on a short text, and only a thread can be stopped in the middle of it.
import type { JsonSchema } from '@conet/sdk'
import type { ErrorObject } from 'ajv'
import { Threads } from '../threads/index.ts'

export type DocumentTask = {
  readonly schema: JsonSchema
  readonly document: unknown
  readonly maxErrors: number
}

/** A sound check takes 1 ms, and the start of a thread 0.2 s. */
const timeoutMs = 5_000

export class IsolatedChecks {
  /** Two, so that one that hangs does not hold up all others. */
  readonly #threads = new Threads<DocumentTask, ErrorObject[]>({
    program: new URL('./document-worker.js', import.meta.url),
    most: 2,
    timeoutMs,
  })

  /** What of the document the schema refuses. Throws `deadlineExceeded` when that cannot be told in time, and `programUnavailable`. */
  async run(task: DocumentTask, what: string): Promise<ErrorObject[]> {
    return await this.#threads.run(task, what)
  }

  /** Ends the threads; checks under way fail. May be repeated. */
  async close(): Promise<void> {
    await this.#threads.close()
  }
}
