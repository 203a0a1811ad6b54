// Asks a driver now and then whether it still answers. One miss is not death; some in a row are.
import { ConetError } from '@conet/sdk'
import type { DriverLink } from './driver-link.ts'

export type PingerOptions = {
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many misses in a row are the end. */
  readonly mostMisses: number
  onDead(reason: ConetError): void
}

export class Pinger implements Disposable {
  readonly #link: DriverLink
  readonly #options: PingerOptions
  #misses = 0
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(link: DriverLink, options: PingerOptions) {
    this.#link = link
    this.#options = options
    this.#schedule()
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#ping(), this.#options.intervalMs)
  }

  async #ping(): Promise<void> {
    const answered = await this.#isAnswered()
    if (this.#isClosed) return
    this.#misses = answered ? 0 : this.#misses + 1
    const { mostMisses, onDead } = this.#options
    if (this.#misses < mostMisses) return this.#schedule()
    const { name } = this.#link.driver
    onDead(new ConetError('deadlineExceeded', `driver "${name}": ${mostMisses} pings in a row had no answer`))
  }

  async #isAnswered(): Promise<boolean> {
    const { timeoutMs } = this.#options
    try {
      await this.#link.call('driver/ping', {}, { operationId: 'ping', timeoutMs })
      return true
    } catch (error) {
      // Any other failure is an answer too, or the end of the connection, which its owner hears of.
      return !ConetError.is(error, 'deadlineExceeded')
    }
  }
}
