// Checks of users' documents on threads of their own. The expressions in a schema come from a driver: one that
// backtracks (`^(a+)+$`) can take for ever on a short text, and only a thread can be stopped in the middle of it.
import { ConetError, deadline, type JsonSchema } from '@conet/sdk'
import type { ErrorObject } from 'ajv'
import { Piscina } from 'piscina'

export type DocumentTask = {
  readonly schema: JsonSchema
  readonly document: unknown
  readonly maxErrors: number
}

/** A sound check takes 1 ms, and the start of a thread 0.2 s. */
const checkTimeoutMs = 5_000
const idleTimeoutMs = 10_000

export class IsolatedChecks {
  /** Starts no thread before the first check. Two, so that one that hangs does not hold up all others. */
  readonly #pool = new Piscina<DocumentTask, ErrorObject[]>({
    filename: new URL('./document-worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 2,
    idleTimeout: idleTimeoutMs,
  })

  /** What of the document the schema refuses. Throws `deadlineExceeded` when that cannot be told in time. */
  async run(task: DocumentTask, what: string): Promise<ErrorObject[]> {
    using limit = deadline(checkTimeoutMs, what)
    try {
      return await this.#pool.run(task, { signal: limit.signal })
    } catch (cause) {
      if (!limit.signal.aborted) throw cause
      throw new ConetError('deadlineExceeded', `${what}: not done within ${checkTimeoutMs} ms`, {
        cause,
        operationState: 'not-started',
      })
    }
  }

  /** Ends the threads; checks under way fail. May be repeated. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}
