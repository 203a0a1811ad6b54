// A driver whose socket goes out of sight and comes back, so that conetd drops the connection and makes a new one, and
// what conetd says of it meanwhile. The driver's process goes on.
import { renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { ConetClient } from '@conet/sdk/client'
import { eventually } from '../support/eventually.ts'

const patience = { timeoutMs: 60_000, everyMs: 10 }

export class DriverWatch implements AsyncDisposable {
  readonly #path: string
  readonly #ending = new AbortController()
  readonly #following: Promise<void>
  /** When it came last into each state, in milliseconds. */
  readonly #enteredMs = new Map<string, number>()

  constructor(client: ConetClient, socketPath: string) {
    this.#path = socketPath
    this.#following = this.#follow(client)
  }

  /** Resolves when conetd uses a driver. */
  async untilReady(): Promise<void> {
    await this.#state('ready')
  }

  /** Resolves when conetd has used the driver and lost sight of it. */
  async hide(): Promise<void> {
    await this.untilReady()
    this.#enteredMs.clear()
    renameSync(this.#path, this.#hidden)
    await this.#state('gone')
  }

  /** Resolves to how many milliseconds conetd took to tell it what should be. */
  async show(): Promise<number> {
    this.#enteredMs.clear()
    renameSync(this.#hidden, this.#path)
    const endedMs = await this.#state('ready')
    return endedMs - (await this.#state('syncing'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    await this.#following
  }

  /** A name that conetd does not look at. */
  get #hidden(): string {
    return join(dirname(this.#path), `.${basename(this.#path)}`)
  }

  #state(state: string): Promise<number> {
    return eventually(() => {
      const atMs = this.#enteredMs.get(state)
      if (atMs === undefined) throw new Error(`the driver at ${this.#path} is not ${state}`)
      return atMs
    }, patience)
  }

  async #follow(client: ConetClient): Promise<void> {
    for await (const { type, time } of client.events({ since: 0, signal: this.#ending.signal })) {
      const [subject, state] = type.split('.')
      if (subject === 'driver' && state !== undefined) this.#enteredMs.set(state, Date.parse(time))
    }
  }
}
