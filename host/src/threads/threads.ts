// Work on threads of their own, each of which reads a program file of conetd when it starts. That the file is not there
// any more fails the work that needed it, and nothing else.
import { ConetError, deadline } from '@conet/sdk'
import { Piscina } from 'piscina'
import { programUnavailable } from './program-files.ts'

export type ThreadsOptions = {
  /** The module whose `work` does it. */
  readonly program: URL
  /** At one time. */
  readonly most: number
  readonly timeoutMs: number
}

const idleTimeoutMs = 10_000

/** A pool, and what ends its work when one of its threads cannot start. */
type Pool<Task, Answer> = {
  readonly piscina: Piscina<Task, Answer>
  readonly broken: AbortController
}

/** Starts no thread before the first work; close it when done. */
export class Threads<Task, Answer> {
  readonly #options: ThreadsOptions
  #pool: Pool<Task, Answer>

  constructor(options: ThreadsOptions) {
    this.#options = options
    this.#pool = this.#make()
  }

  /** Throws `deadlineExceeded`, `programUnavailable`, and what the work throws. */
  async run(task: Task, what: string): Promise<Answer> {
    const { timeoutMs } = this.#options
    const { piscina, broken } = this.#pool
    using limit = deadline(timeoutMs, what, broken.signal)
    try {
      return await piscina.run(task, { signal: limit.signal })
    } catch (cause) {
      if (broken.signal.aborted) throw programUnavailable(what, broken.signal.reason)
      if (!limit.signal.aborted) throw cause
      throw new ConetError('deadlineExceeded', `${what}: not done within ${timeoutMs} ms`, {
        cause,
        operationState: 'not-started',
      })
    }
  }

  /** Ends the threads; work under way, or that comes later, fails. May be repeated. */
  async close(): Promise<void> {
    await this.#pool.piscina.destroy()
  }

  #make(): Pool<Task, Answer> {
    const { program, most } = this.#options
    const piscina = new Piscina<Task, Answer>({
      filename: program.href,
      // Not the default export, which is another for modules and for CommonJS.
      name: 'work',
      minThreads: 0,
      maxThreads: most,
      idleTimeout: idleTimeoutMs,
    })
    const pool = { piscina, broken: new AbortController() }
    // A thread that dies before it has work, which is how one ends that cannot load its program. Another pool tries again.
    piscina.on('error', (error: unknown) => {
      if (this.#pool === pool) this.#pool = this.#make()
      pool.broken.abort(error)
      void piscina.destroy()
    })
    return pool
  }
}
