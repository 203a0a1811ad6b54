// The drivers that the host starts itself (`--spawn bridge,null`). They outlive the host: it finds them again by
// their records. It knows nothing of sockets and sessions.
import { join } from 'node:path'
import { ConetError, KeyedQueue } from '@conet/sdk'
import { findDriverProgram, type ProgramPlaces } from './driver-program.ts'
import { SpawnRecords, spawnRecordsRoom } from './spawn-records.ts'
import {
  isRecordedAlive,
  type Renewal,
  SupervisedDriver,
  type SupervisedState,
  type SupervisionTiming,
  stopRecorded,
} from './supervised-driver.ts'

export type SupervisorOptions = {
  /** Records and logs are kept below it, in `spawned`. */
  readonly runDirectory: string
  /** Each driver is told to listen on NAME.sock in it. */
  readonly driverDirectory: string
  readonly places: ProgramPlaces
  readonly environment: NodeJS.ProcessEnv
  /** A driver was started, died, or was stopped. */
  onChange?(name: string): void
  readonly timing?: Partial<SupervisionTiming>
}

/** As docs/operating.md tells it. */
export const defaultTiming: SupervisionTiming = {
  firstBackoffMs: 200,
  mostBackoffMs: 10_000,
  stableMs: 10_000,
  killAfterMs: 10_000,
}

/** How long a process may need until it listens. */
const startGraceMs = 5_000
/** A restart that is as near as this is worth waiting for: a call waits for 5 s, and the process needs some of them. */
const soonMs = 4_000

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #timing: SupervisionTiming
  readonly #records: SpawnRecords
  readonly #drivers = new Map<string, SupervisedDriver>()
  readonly #announced = new Set<string>()
  readonly #queue = new KeyedQueue()

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#records = new SpawnRecords(join(options.runDirectory, spawnRecordsRoom))
  }

  /** Throws what would keep these drivers from being started, of all of them. Changes nothing. */
  async assertStartable(names: readonly string[]): Promise<void> {
    const found = await Promise.allSettled(names.map((name) => this.#assertStartable(name)))
    const failures = found.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []))
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : joined(failures)
  }

  /** `start` follows for each of these: who asks for one before waits as for one that is starting. */
  announce(names: readonly string[]): void {
    for (const name of names) this.#announced.add(name)
  }

  /** Finds the driver's process or starts one, and keeps it running. Nothing to do if it is kept already. */
  start(name: string): Promise<void> {
    return this.#queue.run(name, async () => {
      this.#announced.delete(name)
      if (this.#drivers.has(name)) return
      const driver = this.#create(name)
      this.#drivers.set(name, driver)
      try {
        await driver.start()
      } catch (error) {
        this.#drivers.delete(name)
        throw error
      }
    })
  }

  /** Ends the driver that this or a former host started, and does not start it again. False: there is none. */
  stop(name: string): Promise<boolean> {
    return this.#queue.run(name, async () => {
      const driver = this.#drivers.get(name)
      this.#announced.delete(name)
      this.#drivers.delete(name)
      await driver?.close()
      const wasThere = await stopRecorded(this.#records, name, this.#timing.killAfterMs)
      this.#options.onChange?.(name)
      return wasThere
    })
  }

  /** Ends that process of a driver that is kept running, which is then started anew. */
  renew(name: string, renewal: Renewal): Promise<void> {
    return this.#queue.run(name, async () => this.#drivers.get(name)?.renew(renewal))
  }

  /** Whether this or a former host started it, and nobody has stopped it since. */
  async hasStarted(name: string): Promise<boolean> {
    return this.#drivers.has(name) || (await this.#records.read(name)) !== undefined
  }

  /** Ends every driver that has a record, side by side; reports all that could not be ended. */
  async stopAll(): Promise<void> {
    const names = new Set([...this.#drivers.keys(), ...(await this.#records.names())])
    const ends = await Promise.allSettled([...names].map((name) => this.stop(name)))
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    if (failures.length > 0) throw new AggregateError(failures, 'could not stop every driver')
  }

  /** Undefined for a driver that is not kept running by this host. */
  stateOf(name: string): SupervisedState | undefined {
    return this.#drivers.get(name)?.state ?? (this.#announced.has(name) ? { state: 'starting' } : undefined)
  }

  names(): string[] {
    return [...new Set([...this.#drivers.keys(), ...this.#announced])]
  }

  /** Whether the driver was started a moment ago or is about to be, so that its socket should appear soon. */
  isComing(name: string): boolean {
    const state = this.stateOf(name)
    if (state?.state === 'running') return Date.now() - state.since < startGraceMs
    if (state?.state === 'waiting') return state.until - Date.now() < soonMs
    return state?.state === 'starting'
  }

  /** Watches no longer; the drivers go on. Those that are announced do not come. */
  async close(): Promise<void> {
    const announced = [...this.#announced]
    this.#announced.clear()
    for (const name of announced) this.#options.onChange?.(name)
    const drivers = [...this.#drivers.values()]
    this.#drivers.clear()
    await Promise.all(drivers.map((driver) => driver.close()))
  }

  async #assertStartable(name: string): Promise<void> {
    // One that runs is found again, also when its program is gone meanwhile.
    if (await isRecordedAlive(this.#records, name)) return
    await findDriverProgram(name, this.#options.places)
  }

  #create(name: string): SupervisedDriver {
    const { driverDirectory, places, environment, onChange } = this.#options
    return new SupervisedDriver({
      name,
      driverDirectory,
      logDirectory: this.#records.directory,
      places,
      environment,
      records: this.#records,
      timing: this.#timing,
      onChange: () => onChange?.(name),
    })
  }
}

function joined(failures: readonly unknown[]): ConetError {
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)))
  const helps = failures.flatMap((failure) => (ConetError.is(failure) && failure.help ? [failure.help] : []))
  return new ConetError('failedPrecondition', texts.join('; '), {
    cause: new AggregateError(failures),
    ...(helps.length > 0 && { help: [...new Set(helps)].join(' ') }),
  })
}
