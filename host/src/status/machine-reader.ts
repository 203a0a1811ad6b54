// Reads the machine's facts on a thread of its own: listing every chain and every address of a machine that has
// thousands of them takes longer than conetd may stand still.
import { ConetError } from '@conet/sdk'
import { Threads } from '../threads/index.ts'
import type { MachineFacts } from './facts.ts'
import { readMachineFacts } from './machine-facts.ts'

export type MachineReading = {
  readonly machine: MachineFacts
  /** Why conetd could not start a thread of its own for it. */
  readonly programTrouble: ConetError | undefined
}

const readTimeoutMs = 10_000

export class MachineReader {
  readonly #threads = new Threads<undefined, MachineFacts>({
    program: new URL('./machine-worker.js', import.meta.url),
    most: 1,
    timeoutMs: readTimeoutMs,
  })
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<MachineReading> | undefined

  /**
   * The facts as they are now: never those of a read that began before this was called, and one read for all who ask
   * during another. Throws `deadlineExceeded`.
   */
  read(): Promise<MachineReading> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      const reading = this.#readOnThread()
      // Only waited for; who asked hears of its failure.
      this.#running = reading.catch(() => undefined)
      return reading
    })
    return this.#next
  }

  /** Ends the thread; a read under way, or that comes later, fails. May be repeated. */
  async close(): Promise<void> {
    await this.#threads.close()
  }

  async #readOnThread(): Promise<MachineReading> {
    try {
      const machine = await this.#threads.run(undefined, 'look for what stands in the way on this machine')
      return { machine, programTrouble: undefined }
    } catch (error) {
      if (!ConetError.is(error, 'programUnavailable')) throw error
      // Whoever asks for the status now is to learn of that and of all the rest: conetd stands still for as long as it takes.
      return { machine: readMachineFacts(), programTrouble: error }
    }
  }
}
