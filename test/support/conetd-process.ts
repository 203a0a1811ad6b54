// A real conetd with its drivers, each a process of its own, on directories of its own. Whoever starts it stops it.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ConetClient, runtimeSocketPath } from '@conet/sdk/client'
import { eventually } from './eventually.ts'
import { repository } from './repository.ts'

export const conetdProgram = join(repository, 'host/bin/conetd.js')
export const conetProgram = join(repository, 'host/bin/conet.js')

export type ConetdOptions = {
  /** An existing, empty directory with a short path; everything that conetd writes is below it. */
  readonly directory: string
  readonly spawn: readonly string[]
  /** More flags for conetd. */
  readonly flags?: readonly string[]
  /** Another conetd than that of this tree. */
  readonly program?: string
  /** Flags for node, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[]
  /** A program and its arguments that executes what follows them: `nsenter --net=…`. */
  readonly through?: readonly string[]
}

export class ConetdProcess implements AsyncDisposable {
  readonly socket: string
  readonly runtimeSocket: string
  readonly logFile: string
  readonly #options: ConetdOptions
  #process: ChildProcess | undefined

  /** Starts nothing yet. */
  constructor(options: ConetdOptions) {
    this.#options = options
    this.socket = join(options.directory, 'run', 'conetd.sock')
    this.runtimeSocket = runtimeSocketPath(this.socket)
    this.logFile = join(options.directory, 'conetd.log')
  }

  /** Resolves when it serves and all its drivers are ready. */
  static async start(options: ConetdOptions): Promise<ConetdProcess> {
    const conetd = new ConetdProcess(options)
    try {
      await conetd.start()
      return conetd
    } catch (error) {
      await conetd[Symbol.asyncDispose]()
      throw error
    }
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('conetd does not run')
    return pid
  }

  /** The flags, as a person would type them. */
  get flags(): string[] {
    const { directory, spawn: drivers } = this.#options
    return [
      '--run-dir',
      join(directory, 'run'),
      '--state-dir',
      join(directory, 'state'),
      '--spawn',
      drivers.join(','),
      ...(this.#options.flags ?? []),
    ]
  }

  /** Resolves when it serves and all drivers that it spawns are ready. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    this.launch(environment)
    await using client = this.client()
    const state = await eventually(() => this.#state(client), { timeoutMs: 45_000, everyMs: 20 })
    if (state === 'ended') {
      throw new Error(`conetd has ended; its log says:\n${readFileSync(this.logFile, 'utf8')}`)
    }
  }

  /** Starts it and waits for nothing: for one that is to die on its way. */
  launch(environment: Readonly<Record<string, string>> = {}): void {
    if (this.#process !== undefined) throw new Error('conetd runs already')
    const log = openSync(this.logFile, 'a')
    try {
      const { nodeFlags = [], through = [], program: conetd = conetdProgram } = this.#options
      const [program = '', ...argv] = [...through, process.execPath, ...nodeFlags, conetd, ...this.flags]
      // A process group of its own: Ctrl-C goes to whoever started it, who then stops it in order.
      this.#process = spawn(program, argv, {
        stdio: ['ignore', log, log],
        detached: true,
        env: { ...process.env, ...environment },
      })
    } finally {
      closeSync(log)
    }
  }

  /** Waits for its end: the exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const running = this.#process
    if (running === undefined) throw new Error('conetd does not run')
    if (!hasEnded(running)) await new Promise((resolve) => running.once('exit', resolve))
    this.#process = undefined
    return running.signalCode ?? running.exitCode
  }

  /** It ends as it does on SIGTERM; its drivers go on. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running === undefined || hasEnded(running)) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill(signal)
    const patience = setTimeout(() => running.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(patience)
  }

  client(connections = 8): ConetClient {
    return new ConetClient({ socketPath: this.socket, connections })
  }

  /** Stops it, and the drivers that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    // A program more to start, for nothing where conetd has never noted down a driver.
    if (!existsSync(join(this.#options.directory, 'run/spawned'))) return
    const [runDir, stateDir] = [this.flags.slice(0, 2), this.flags.slice(2, 4)]
    await promisify(execFile)(process.execPath, [conetdProgram, '--stop-drivers', ...runDir, ...stateDir])
  }

  /** Throws while it is neither. */
  async #state(client: ConetClient): Promise<'ready' | 'ended'> {
    if (this.#process === undefined || hasEnded(this.#process)) return 'ended'
    const { drivers } = await client.listDrivers({ timeoutMs: 5_000 })
    const ready = drivers.filter(({ state }) => state === 'ready').map(({ name }) => name)
    const missing = this.#options.spawn.filter((name) => !ready.includes(name))
    if (missing.length > 0) throw new Error(`drivers not ready: ${missing.join(', ')}`)
    return 'ready'
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
