// Starts the fake driver and other drivers' programs as real processes, and ends them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import { type FakePlan, type FakeRecord, fakeVariables, readRecords } from './fake-driver-plan.ts'

export type DriverProgramOptions = {
  /** The file to run with node. */
  readonly program: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A program and its arguments that executes what follows them: `unshare --mount`. */
  readonly through?: readonly string[]
  /** Awaited before `startDriverProgram` resolves; absent: not waited for. */
  readonly socketPath?: string
  /** It may be over already then: at a failpoint that it passes when somebody connects. */
  readonly mayEnd?: boolean
}

/** A driver in a process of its own; killed when it goes out of scope. */
export class DriverProgram implements AsyncDisposable {
  readonly process: ChildProcess
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>
  stdout = ''
  stderr = ''

  constructor(child: ChildProcess) {
    this.process = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.exited = once(child, 'close').then(([code, signal]) => code ?? signal)
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the program did not start')
    return this.process.pid
  }

  /** Its log: one object a line. */
  get log(): { level: string; message: string; fields?: Record<string, unknown> }[] {
    const lines = this.stderr.split('\n').filter((line) => line.startsWith('{'))
    return lines.map((line) => JSON.parse(line))
  }

  /** Sends a signal and waits for the end. */
  async end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<number | string> {
    this.process.kill(signal)
    return this.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end('SIGKILL')
  }
}

export async function startDriverProgram(options: DriverProgramOptions): Promise<DriverProgram> {
  const { program, args = [], env = {}, through = [], socketPath, mayEnd = false } = options
  const [command = process.execPath, ...argv] = [...through, process.execPath, program, ...args]
  const driver = new DriverProgram(
    spawn(command, argv, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  if (socketPath === undefined) return driver
  let ended: number | string | undefined
  void driver.exited.then((code) => {
    ended = code
  })
  try {
    await eventually(async () => ended !== undefined || (await takesConnections(socketPath)), {
      timeoutMs: 15_000,
    })
    if (ended !== undefined && !mayEnd) throw new Error(`the driver ended with ${ended}: ${driver.stderr}`)
    return driver
  } catch (error) {
    await driver[Symbol.asyncDispose]()
    throw error
  }
}

/** A socket that a dead process has left does not count. */
async function takesConnections(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Compiled, because Node 20 runs no TypeScript. */
const fakeDriverProgram = fileURLToPath(new URL('../dist/programs/fake-driver.js', import.meta.url))

export type FakeDriverOptions = {
  /** For the socket, the plan and the record; a private one. */
  readonly directory: string
  /** Default `fake`. */
  readonly name?: string
  /** Default: `NAME.sock` in the directory. */
  readonly socketPath?: string
  readonly plan?: FakePlan
  readonly env?: Readonly<Record<string, string>>
}

/** The fake driver as a process, with its plan and its record. */
export class FakeDriver implements AsyncDisposable {
  readonly name: string
  readonly socketPath: string
  readonly #options: FakeDriverOptions
  readonly #planPath: string
  readonly #recordPath: string
  #program: DriverProgram | undefined

  private constructor(options: FakeDriverOptions) {
    const { directory, name = 'fake', plan = {} } = options
    this.#options = options
    this.name = name
    this.socketPath = options.socketPath ?? join(directory, `${name}.sock`)
    this.#planPath = join(directory, `.${name}.plan.json`)
    this.#recordPath = join(directory, `.${name}.record.jsonl`)
    this.plan(plan)
    writeFileSync(this.#recordPath, '')
  }

  static async start(options: FakeDriverOptions): Promise<FakeDriver> {
    const driver = new FakeDriver(options)
    await driver.restart()
    return driver
  }

  get program(): DriverProgram {
    if (this.#program === undefined) throw new Error('the fake driver was not started')
    return this.#program
  }

  /** Changes what it does from the next call on. */
  plan(plan: FakePlan): void {
    writeFileSync(this.#planPath, JSON.stringify(plan))
  }

  /** What it was asked and did, over all its lives; but for looks of conetd, which come when they like. */
  records(): FakeRecord[] {
    return readRecords(this.#recordPath).filter(({ operationId = '' }) => !operationId.startsWith('look-'))
  }

  /** The methods that began, in order. */
  calls(): string[] {
    return this.records()
      .filter(({ event }) => event === 'begin')
      .map(({ method }) => method)
  }

  /** Starts it again after it has ended, maybe through another program; the plan and the record stay. */
  async restart(...through: readonly string[]): Promise<void> {
    await this.#program?.exited
    this.#program = await startDriverProgram({
      program: fakeDriverProgram,
      args: ['--socket', this.socketPath],
      socketPath: this.socketPath,
      through,
      env: {
        ...this.#options.env,
        [fakeVariables.name]: this.name,
        [fakeVariables.plan]: this.#planPath,
        [fakeVariables.record]: this.#recordPath,
      },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]()
  }
}
