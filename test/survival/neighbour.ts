// Somebody who plugs and unplugs all the time, on a driver that works, while other drivers do not.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConetClient } from '@conet/sdk/client'

const handle = 'neighbour'
const network = 'quiet'
const pauseMs = 10

export class Neighbour implements AsyncDisposable {
  /** Calls that succeeded. */
  calls = 0
  slowestMs = 0
  readonly failures: unknown[] = []
  readonly #client: ConetClient
  readonly #running: Promise<void>
  #isOver = false

  private constructor(client: ConetClient) {
    this.#client = client
    this.#running = this.#run()
  }

  /** On a network of that driver. */
  static async moveIn(client: ConetClient, driver: string): Promise<Neighbour> {
    await client.createNetwork({ name: network, type: driver })
    await client.putContainerConfig(handle, { attach_to: [] })
    await client.up(handle)
    return new Neighbour(client)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const { id } = await this.#timed(this.#client.plug(handle, { network }))
        await this.#timed(this.#client.unplug({ handle, endpoint: id }))
      } catch (error) {
        this.failures.push(error)
      }
      await sleep(pauseMs)
    }
  }

  async #timed<T>(call: Promise<T>): Promise<T> {
    const start = performance.now()
    const result = await call
    this.calls += 1
    this.slowestMs = Math.max(this.slowestMs, performance.now() - start)
    return result
  }
}
