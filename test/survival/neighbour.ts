// Somebody who plugs and unplugs all the time, on a driver that works, while other drivers do not.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConetClient } from '@conet/sdk/client'

const handle = 'neighbour'
const network = 'quiet'
const pauseMs = 10

export class Neighbour implements AsyncDisposable {
  /** Calls that succeeded. */
  calls = 0
  /** Of those that did not; whoever looks may empty it. */
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
        const { id } = await this.#counted(this.#client.plug(handle, { network }))
        await this.#counted(this.#client.unplug({ handle, endpoint: id }))
      } catch (error) {
        this.failures.push(error)
      }
      await sleep(pauseMs)
    }
  }

  async #counted<T>(call: Promise<T>): Promise<T> {
    const result = await call
    this.calls += 1
    return result
  }
}
