// Reads the machine's facts on a thread of its own: listing every chain and every address of a machine that has
// thousands of them takes longer than conetd may stand still.
import { ConetError, deadline } from '@conet/sdk'
import { Piscina } from 'piscina'
import type { MachineFacts } from './facts.ts'

const readTimeoutMs = 10_000
const idleTimeoutMs = 10_000

export class MachineReader {
  /** Starts no thread before the first read. */
  readonly #pool = new Piscina<undefined, MachineFacts>({
    filename: new URL('./machine-worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: idleTimeoutMs,
  })
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<MachineFacts> | undefined

  /**
   * The facts as they are now: never those of a read that began before this was called, and one read for all who ask
   * during another. Throws `deadlineExceeded`.
   */
  read(): Promise<MachineFacts> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      const facts = this.#readOnThread()
      // Only waited for; who asked hears of its failure.
      this.#running = facts.catch(() => undefined)
      return facts
    })
    return this.#next
  }

  /** Ends the thread; a read under way fails. May be repeated; a read after it would start a thread again. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #readOnThread(): Promise<MachineFacts> {
    const what = 'look for what stands in the way on this machine'
    using limit = deadline(readTimeoutMs, what)
    try {
      return await this.#pool.run(undefined, { signal: limit.signal })
    } catch (cause) {
      if (!limit.signal.aborted) throw cause
      throw new ConetError('deadlineExceeded', `${what}: not done within ${readTimeoutMs} ms`, { cause })
    }
  }
}
