// What the log says of the states of drivers: what is wrong once, and not again at each of the many tries that follow.
import type { Logger } from 'pino'
import type { DriverEntry } from '../drivers/index.ts'

export class DriverLog {
  readonly #log: Logger
  /** By socket: why it was told to be closed last. */
  readonly #told = new Map<string, string>()

  constructor(log: Logger) {
    this.#log = log
  }

  tell(entry: DriverEntry): void {
    const { name, socketPath, state, lastError } = entry
    const about = { driver: name, socket: socketPath, state, lastError: lastError?.message }
    this.#log[this.#levelOf(entry)](about, `driver ${state}`)
  }

  #levelOf({ socketPath = '', state, lastError }: DriverEntry): 'warn' | 'info' | 'debug' {
    if (state === 'ready' || state === 'gone') this.#told.delete(socketPath)
    if (state === 'rejected' || state === 'degraded') return 'warn'
    if (state === 'ready' || state === 'gone') return 'info'
    if (state !== 'closed') return 'debug'
    const why = lastError?.message ?? ''
    const isNews = this.#told.get(socketPath) !== why
    this.#told.set(socketPath, why)
    return isNews ? 'warn' : 'debug'
  }
}
