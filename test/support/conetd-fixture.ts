// A real conetd and its drivers for one test, each a process of its own that may be killed and started again. At its
// end it proves that nothing is left of any of them.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConetClient } from '@conet/sdk/client'
import { expect } from 'vitest'
import { ConetdProcess } from './conetd-process.ts'
import { eventually } from './eventually.ts'
import { DriverProgram, FakeDriver, type FakeDriverOptions, startDriverProgram } from './fake-driver.ts'
import { type KernelPicture, kernelPicture } from './kernel-picture.ts'
import { onRecord } from './on-record.ts'
import { repository } from './repository.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'

type Environment = Readonly<Record<string, string>>

export type FixtureOptions = {
  /** Bundled drivers, started beside conetd. */
  readonly drivers?: readonly string[]
  /** Where the program of a driver, or `conetd`, is that is not started from this tree. */
  readonly programs?: Readonly<Record<string, string>>
  /** Drivers that conetd starts itself. */
  readonly spawn?: readonly string[]
  /** The configuration file of conetd. */
  readonly config?: Record<string, unknown>
  readonly connections?: number
  /** False: everything but conetd and its drivers is made here, and `conetd.start` is the test's. */
  readonly starts?: boolean
  /** Of conetd, beside that of the test. */
  readonly environment?: Environment
  /** True: another one runs in the same namespaces, and what it mounts is its own. */
  readonly hasNeighbours?: boolean
}

/** What a test breaks stays broken until the test has it mended, unless it says otherwise. */
export function withoutLooks(config: Record<string, unknown>): Record<string, unknown> {
  const { timeouts } = config
  return { ...config, timeouts: { driver_look_ms: 0, ...(typeof timeouts === 'object' && timeouts) } }
}

export class ConetdFixture implements AsyncDisposable {
  readonly directory: string
  readonly conetd: ConetdProcess
  readonly client: ConetClient
  readonly #drivers = new Map<string, DriverProgram | FakeDriver>()
  readonly #before: KernelPicture
  readonly #hasNeighbours: boolean
  readonly #environment: Environment
  readonly #programs: Readonly<Record<string, string>>

  private constructor(
    temporary: TemporaryDirectory,
    {
      spawn = [],
      config = {},
      connections = 8,
      programs = {},
      hasNeighbours = false,
      environment = {},
    }: FixtureOptions,
  ) {
    this.#environment = environment
    this.#hasNeighbours = hasNeighbours
    this.#programs = programs
    this.#before = kernelPicture()
    this.directory = temporary.path
    const file = join(this.directory, 'config.json')
    writeFileSync(file, JSON.stringify(withoutLooks(config)))
    const { conetd: program } = programs
    this.conetd = new ConetdProcess({
      directory: this.directory,
      spawn,
      flags: ['--config', file],
      ...(program && { program }),
    })
    this.client = this.conetd.client(connections)
  }

  static async start(options: FixtureOptions = {}): Promise<ConetdFixture> {
    const fixture = new ConetdFixture(await temporaryDirectory(), options)
    if (options.starts === false) return fixture
    try {
      await fixture.conetd.start(fixture.#conetdEnvironment())
      for (const name of options.drivers ?? []) await fixture.startDriver(name)
      return fixture
    } catch (error) {
      await fixture.#end()
      throw error
    }
  }

  get driverDirectory(): string {
    return join(this.directory, 'run/drivers')
  }

  get namespaceDirectory(): string {
    return join(this.directory, 'run/netns')
  }

  driver(name: string): DriverProgram {
    const driver = this.#drivers.get(name)
    if (driver === undefined) throw new Error(`${name} was not started`)
    return driver instanceof FakeDriver ? driver.program : driver
  }

  /** Starts a bundled driver, again if it was there; resolves when conetd calls it ready. */
  async startDriver(name: string): Promise<DriverProgram> {
    const driver = await this.launchDriver(name)
    await this.driversReady()
    return driver
  }

  /** Starts a bundled driver, to die at that failpoint if one is named; resolves when it listens. */
  async launchDriver(name: string, failpoint = ''): Promise<DriverProgram> {
    await this.#drivers.get(name)?.[Symbol.asyncDispose]()
    const environment = this.#armable(name)
    this.arm(name, failpoint)
    const socketPath = join(this.driverDirectory, `${name}.sock`)
    const driver = await startDriverProgram({
      program: this.#programs[name] ?? join(repository, `drivers/${name}/bin/conet-driver-${name}.js`),
      args: ['--socket', socketPath],
      env: environment,
      socketPath,
      mayEnd: failpoint !== '',
    })
    this.#drivers.set(name, driver)
    return driver
  }

  async startFakeDriver(
    options: Omit<FakeDriverOptions, 'directory' | 'socketPath'> = {},
  ): Promise<FakeDriver> {
    const { name = 'fake' } = options
    const socketPath = join(this.driverDirectory, `${name}.sock`)
    const driver = await FakeDriver.start({ ...options, directory: this.directory, socketPath })
    this.#drivers.set(name, driver)
    await this.driversReady()
    return driver
  }

  /** Resolves when every driver that was started here and lives takes calls. */
  async driversReady(): Promise<void> {
    await eventually(
      async () => {
        const { drivers } = await this.client.listDrivers({ timeoutMs: 5_000 })
        const states = [...this.#drivers]
          .filter(([, driver]) => isAlive(driver))
          .map(([name]) => {
            const found = drivers.find((driver) => driver.name === name)
            return [name, found?.state, found?.last_error?.message]
          })
        expect(states.filter(([, state]) => state !== 'ready' && state !== 'degraded')).toEqual([])
      },
      { timeoutMs: 15_000 },
    )
  }

  /** Lets a running or coming `conetd`, or a driver, die at that failpoint; without a name at none. */
  arm(who: string, failpoint = ''): void {
    writeFileSync(this.#failpointFile(who), failpoint)
  }

  /** Kills conetd as by a crash. */
  kill(): Promise<void> {
    return this.conetd.stop('SIGKILL')
  }

  /** Starts conetd again, with all its drivers. */
  async start(): Promise<void> {
    await this.conetd.start(this.#conetdEnvironment())
    await this.driversReady()
  }

  /** Starts conetd again and waits for nothing: it is to die at that failpoint. */
  launch(failpoint: string): void {
    const environment = this.#conetdEnvironment()
    this.arm('conetd', failpoint)
    this.conetd.launch(environment)
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }

  /** Resolves when nothing waits for its removal any more. */
  async settled(): Promise<void> {
    await eventually(async () => expect((await onRecord(this.conetd.socket)).pending_removals).toBe(0), {
      timeoutMs: 15_000,
    })
  }

  /** As a person would clean up: every container, then every network; conetd then has nothing on record. */
  async removeEverything(): Promise<void> {
    const { containers } = await this.client.listContainers()
    for (const { handle } of containers) await this.client.deleteContainer(handle)
    await this.settled()
    const { networks } = await this.client.listNetworks()
    for (const { id } of networks) await this.client.deleteNetwork(id)
    await this.settled()
    expect(await onRecord(this.conetd.socket)).toEqual({
      networks: 0,
      containers: 0,
      endpoints: 0,
      pending_removals: 0,
    })
    expect(kernelPicture()).toEqual({ ...this.#before, mounts: expect.anything() })
  }

  /** After a test that failed half-way: conetd and the bundled drivers run, and have nothing, for the next one. */
  async reset(): Promise<void> {
    await this.kill()
    await this.conetd.start(this.#conetdEnvironment())
    for (const [name, driver] of this.#drivers)
      if (driver instanceof DriverProgram && !isAlive(driver)) await this.launchDriver(name)
    await this.driversReady()
    await this.removeEverything()
  }

  /** Removes everything, ends everything, and proves that nothing is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    let failure: unknown
    try {
      await this.removeEverything()
    } catch (error) {
      failure = error
    }
    await this.#end()
    if (failure !== undefined) throw failure
    const { mounts } = kernelPicture()
    expect(mounts.filter((line) => line.includes(this.directory))).toEqual([])
    const isSame = this.#hasNeighbours ? { mounts: expect.anything() } : {}
    expect(kernelPicture()).toEqual({ ...this.#before, ...isSame })
    expect(processesNaming(this.directory)).toEqual([])
    expect(socketsBelow(this.directory)).toEqual([])
    // Fails with EBUSY while anything is mounted there.
    rmSync(this.directory, { recursive: true })
  }

  async #end(): Promise<void> {
    await this.client.close()
    await this.conetd[Symbol.asyncDispose]()
    for (const driver of this.#drivers.values()) {
      const program = driver instanceof FakeDriver ? driver.program : driver
      if (isAlive(driver)) await program.end('SIGTERM')
    }
  }

  #failpointFile(who: string): string {
    return join(this.directory, `failpoint-${who}`)
  }

  #conetdEnvironment(): Environment {
    return { ...this.#environment, ...this.#armable('conetd') }
  }

  #armable(who: string): Environment {
    this.arm(who)
    return { CONET_FAILPOINT: `@${this.#failpointFile(who)}` }
  }
}

function isAlive(driver: DriverProgram | FakeDriver): boolean {
  const { exitCode, signalCode } = (driver instanceof DriverProgram ? driver : driver.program).process
  return exitCode === null && signalCode === null
}

/** Command lines of live processes that name the path. */
function processesNaming(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return line.includes(path) ? [line] : []
      } catch {
        // It has ended meanwhile.
        return []
      }
    })
}

function socketsBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSocket())
    .map(({ name }) => name)
}
