// Keeps one driver running: finds the process of a former host or starts one, and starts it again when it dies.
// Closing it leaves the process alone; only `stop` ends it.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import { Backoff } from '../retry/backoff.ts'
import { adoptProcess, type DriverProcess, startProcess, terminateProcess } from './driver-process.ts'
import { findDriverProgram, type ProgramPlaces } from './driver-program.ts'
import { failpoint } from './failpoints.ts'
import { findByEnvironment, isAlive, type ProcessIdentity } from './process-identity.ts'
import type { SpawnRecord, SpawnRecords } from './spawn-records.ts'

export type SupervisionTiming = {
  readonly firstBackoffMs: number
  readonly mostBackoffMs: number
  /** A life as long as this resets the back-off. */
  readonly stableMs: number
  /** From SIGTERM to SIGKILL. */
  readonly killAfterMs: number
}

export type SupervisedDriverOptions = {
  readonly name: string
  readonly driverDirectory: string
  readonly logDirectory: string
  readonly places: ProgramPlaces
  readonly environment: NodeJS.ProcessEnv
  readonly records: SpawnRecords
  readonly timing: SupervisionTiming
  onChange(): void
}

export type SupervisedState =
  | { readonly state: 'starting' }
  | { readonly state: 'running'; readonly pid: number; readonly since: number; readonly adopted: boolean }
  /** Dead; starts again at `until`. `why`: how it ended, or what kept it from starting. */
  | { readonly state: 'waiting'; readonly until: number; readonly why: string }
  | { readonly state: 'stopped' }

/** `why` is shown until it runs again. */
export type Renewal = { readonly pid: number; readonly why: string }

const tokenVariable = 'CONET_SPAWN_TOKEN'

export class SupervisedDriver {
  readonly #options: SupervisedDriverOptions
  readonly #backoff: Backoff
  readonly #ending = new AbortController()
  #state: SupervisedState = { state: 'stopped' }
  #loop: Promise<void> | undefined
  #current: DriverProcess | undefined
  /** What its process is ended for, if it is. */
  #renewedFor: string | undefined

  constructor(options: SupervisedDriverOptions) {
    const { firstBackoffMs, mostBackoffMs } = options.timing
    this.#options = options
    this.#backoff = new Backoff({ firstMs: firstBackoffMs, mostMs: mostBackoffMs })
  }

  get state(): SupervisedState {
    return this.#state
  }

  /** Returns when a process runs. Throws what kept the first start from happening; then nothing is watched. */
  async start(): Promise<void> {
    this.#enter({ state: 'starting' })
    try {
      const first = (await this.#adopt()) ?? (await this.#spawn())
      this.#loop = this.#keepRunning(first)
    } catch (error) {
      this.#enter({ state: 'stopped' })
      throw error
    }
  }

  /** Watches no longer. The process goes on. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#loop
  }

  /** Ends that process, which is then started anew like one that died. Another one has come meanwhile: it goes on. */
  async renew({ pid, why }: Renewal): Promise<void> {
    const identity = this.#current?.identity
    if (this.#state.state !== 'running' || identity?.pid !== pid) return
    this.#renewedFor = why
    try {
      await terminateProcess(identity, this.#options.timing.killAfterMs)
    } catch (error) {
      this.#renewedFor = undefined
      throw error
    }
  }

  async #keepRunning(first: DriverProcess): Promise<void> {
    const { signal } = this.#ending
    try {
      let current = first
      for (;;) {
        const startedAt = performance.now()
        this.#current = current
        const end = await current.ended(signal)
        if (performance.now() - startedAt >= this.#options.timing.stableMs) this.#backoff.reset()
        const why = this.#renewedFor ?? end
        this.#renewedFor = undefined
        current = await this.#startAgain(`its process ended: ${why}`, signal)
      }
    } catch (error) {
      // Nothing but `close` ends the loop.
      if (!signal.aborted) throw error
    } finally {
      this.#enter({ state: 'stopped' })
    }
  }

  /** A start that fails is tried again like a process that died; the reason is shown meanwhile. */
  async #startAgain(end: string, signal: AbortSignal): Promise<DriverProcess> {
    let why = end
    for (;;) {
      await this.#wait(why, signal)
      this.#enter({ state: 'starting' })
      try {
        // A start whose record could not be completed has left a process that its token finds.
        return (await this.#adopt()) ?? (await this.#spawn())
      } catch (error) {
        why = error instanceof Error ? error.message : String(error)
      }
    }
  }

  async #wait(why: string, signal: AbortSignal): Promise<void> {
    const ms = this.#backoff.nextMs()
    this.#enter({ state: 'waiting', until: Date.now() + ms, why })
    await sleep(ms, undefined, { signal })
  }

  async #adopt(): Promise<DriverProcess | undefined> {
    const { name, records } = this.#options
    const record = await records.read(name)
    const identity = record && (await findRecorded(record))
    if (record === undefined || identity === undefined) return undefined
    await records.write({ ...record, process: identity })
    failpoint('host:spawn:adopted')
    this.#enter({ state: 'running', pid: identity.pid, since: Date.now(), adopted: true })
    return adoptProcess(identity)
  }

  async #spawn(): Promise<DriverProcess> {
    const { name, records, places, environment, driverDirectory, logDirectory } = this.#options
    const program = await findDriverProgram(name, places)
    const argv = ['--socket', join(driverDirectory, `${name}.sock`)]
    const record: SpawnRecord = { name, command: [program, ...argv], token: randomUUID() }
    // Before the start: a host that dies between start and note finds the process by its token.
    failpoint('host:spawn:before-intent')
    await records.write(record)
    failpoint('host:spawn:after-intent')
    const started = await startProcess({
      program,
      argv,
      environment: { ...environment, [tokenVariable]: record.token },
      logPath: join(logDirectory, `${name}.log`),
    }).catch((cause: unknown) => {
      throw new ConetError('internal', `start driver "${name}": run ${program}: ${String(cause)}`, { cause })
    })
    failpoint('host:spawn:started')
    if (started.identity !== undefined) {
      await records.write({ ...record, process: started.identity })
      failpoint('host:spawn:recorded')
      this.#enter({ state: 'running', pid: started.identity.pid, since: Date.now(), adopted: false })
    }
    return started
  }

  #enter(state: SupervisedState): void {
    this.#state = state
    this.#options.onChange()
  }
}

/** Ends the process of a record and forgets it, whoever started it. False if there is no record. */
export async function stopRecorded(
  records: SpawnRecords,
  name: string,
  killAfterMs: number,
): Promise<boolean> {
  const record = await records.read(name)
  if (record === undefined) return false
  const identity = await findRecorded(record)
  if (identity !== undefined) await terminateProcess(identity, killAfterMs)
  await records.remove(name)
  return true
}

/** Whether the process of the driver's record lives, whoever started it. */
export async function isRecordedAlive(records: SpawnRecords, name: string): Promise<boolean> {
  const record = await records.read(name)
  return record !== undefined && (await findRecorded(record)) !== undefined
}

async function findRecorded({ process, token }: SpawnRecord): Promise<ProcessIdentity | undefined> {
  if (process === undefined) return findByEnvironment(`${tokenVariable}=${token}`)
  return (await isAlive(process)) ? process : undefined
}
