// A running conetd to which drivers of the zoo are shown and that uses them like any other, while somebody plugs and
// unplugs on a good driver all the time.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import { expect } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { openFilesOf, residentBytesOf } from '../support/process-usage.ts'
import { Keeper } from '../zoo/keeper.ts'
import type { Exhibit } from './exhibits.ts'
import { HostLog } from './host-log.ts'
import { Neighbour } from './neighbour.ts'

export type VisitOptions = {
  /** How many are shown at once. */
  readonly atOnce: number
  /** Of conetd. */
  readonly timeouts: Readonly<Record<string, number>>
}

const pauseMs = 100

export class ZooVisit implements AsyncDisposable {
  readonly neighbour: Neighbour
  readonly log: HostLog
  readonly #fixture: ConetdFixture
  readonly #keeper: Keeper
  readonly #filesBefore: number
  /** Of the client: they are opened as they are needed, and kept. */
  readonly #connections: number

  private constructor(fixture: ConetdFixture, neighbour: Neighbour, connections: number) {
    this.#fixture = fixture
    this.neighbour = neighbour
    this.log = new HostLog(fixture.conetd.logFile)
    this.#connections = connections
    this.#filesBefore = openFilesOf(fixture.conetd.pid)
    this.#keeper = new Keeper()
  }

  static async begin({ atOnce, timeouts }: VisitOptions): Promise<ZooVisit> {
    // More than the guests have calls under way: the neighbour is not to wait for a connection.
    const connections = 2 * atOnce
    const fixture = await ConetdFixture.start({ drivers: ['null'], connections, config: { timeouts } })
    for (let number = 0; number < atOnce; number++) {
      await fixture.client.putContainerConfig(guest(number), { attach_to: [] })
      await fixture.client.up(guest(number))
    }
    const neighbour = await Neighbour.moveIn(fixture.client, 'null')
    await eventually(() => neighbour.calls >= 50, { timeoutMs: 20_000 })
    return new ZooVisit(fixture, neighbour, connections)
  }

  get residentBytes(): number {
    return residentBytesOf(this.#fixture.conetd.pid)
  }

  /** Until they are disposed. */
  async show(shown: readonly Exhibit[]): Promise<AsyncDisposable> {
    await this.#keeper.show(this.#fixture.driverDirectory, shown)
    return { [Symbol.asyncDispose]: () => this.#keeper.hide(shown.map(({ name }) => name)) }
  }

  /** As any other driver, over and over, until it is disposed; what fails must say why. */
  use(shown: readonly Exhibit[]): AsyncDisposable {
    const over = new AbortController()
    const used = Promise.all(shown.map(({ name }, number) => this.#useOne(name, guest(number), over.signal)))
    // Whoever disposes of it hears of it.
    used.catch(() => undefined)
    return {
      async [Symbol.asyncDispose]() {
        over.abort()
        await used
      },
    }
  }

  /** Those of whom the log does not say what is wrong. */
  untold(shown: readonly Exhibit[], log: HostLog): string[] {
    const lines = log.lines()
    const isTold = ({ name, hostLogs }: Exhibit) =>
      hostLogs === undefined || lines.some((line) => this.#isAbout(line, name) && hostLogs.test(line))
    return shown.filter((exhibit) => !isTold(exhibit)).map(({ name, hostLogs }) => `${name}: ${hostLogs}`)
  }

  /** Nothing is left of all that was shown but records, which good drivers of the same names take away. */
  async expectNoTraces(): Promise<void> {
    const { conetd, client, driverDirectory } = this.#fixture
    await this.neighbour[Symbol.asyncDispose]()
    const most = this.#filesBefore + this.#connections
    await eventually(() => expect(openFilesOf(conetd.pid)).toBeLessThanOrEqual(most))
    const { networks } = await client.listNetworks()
    const names = networks.map(({ type }) => type).filter((type) => type !== 'null')
    const good = [...new Set(names)].map((name) => ({ name }))
    await this.#keeper.show(driverDirectory, good)
    await this.#fixture.removeEverything()
    await this.#keeper.hide(good.map(({ name }) => name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.neighbour[Symbol.asyncDispose]()
    await this.#keeper[Symbol.asyncDispose]()
    await this.#fixture[Symbol.asyncDispose]()
  }

  async #useOne(name: string, handle: string, signal: AbortSignal): Promise<void> {
    const client = this.#fixture.client
    const call = { signal }
    while (!signal.aborted) {
      await withReason(client.createNetwork({ name, type: name }, call))
      const plugged = await withReason(client.plug(handle, { network: name }, call))
      if (plugged !== undefined) await withReason(client.unplug({ handle, endpoint: plugged.id }, call))
      await withReason(client.deleteNetwork(name, call))
      await sleep(pauseMs)
    }
  }

  /** It names the driver, or its socket where that has no name yet. */
  #isAbout(line: string, name: string): boolean {
    const socket = JSON.stringify(join(this.#fixture.driverDirectory, `${name}.sock`))
    return line.includes(`"driver":"${name}"`) || line.includes(`"socket":${socket}`)
  }
}

const guest = (number: number) => `guest-${number}`

/** Undefined if it failed as it may. */
async function withReason<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (!ConetError.is(error)) throw error
    expect(error.message).not.toBe('')
    return undefined
  }
}
