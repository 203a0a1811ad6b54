// A driver that the kit starts from a command line, ends and starts again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverUnreachable } from '../wire/raw-connection.ts'
import { ChildProcess } from './child-process.ts'
import { takesConnections } from './takes-connections.ts'
import type { Target, TargetProcess } from './target.ts'

/** Stands in a command where the path of the socket goes. */
export const socketPlace = '{socket}'
const pollMs = 10

export type CommandOptions = {
  /** A line for `sh -c`, with `{socket}` where the path of the socket goes. */
  readonly command: string
  /** How long a start may take. */
  readonly startMs: number
  /** How long an end may take after SIGTERM. */
  readonly stopMs: number
}

/** Starts the command; resolves when it takes connections. Rejects with DriverUnreachable, or with the signal's reason. */
export async function commandTarget(options: CommandOptions, signal?: AbortSignal): Promise<Target> {
  const target = new CommandTarget(options)
  const end = () => void target[Symbol.asyncDispose]()
  signal?.addEventListener('abort', end, { once: true })
  try {
    await target.process.restart()
    signal?.throwIfAborted()
  } catch (error) {
    await target[Symbol.asyncDispose]()
    throw signal?.aborted ? signal.reason : error
  } finally {
    signal?.removeEventListener('abort', end)
  }
  return target
}

class CommandTarget implements Target {
  readonly #directory = mkdtempSync(join(tmpdir(), 'conet-kit-'))
  readonly #others: CommandTarget[] = []
  readonly #options: CommandOptions
  readonly socketPath = join(this.#directory, 'driver.sock')
  readonly process: TargetProcess
  readonly description: string
  #child: ChildProcess | undefined
  #isOver = false

  constructor(options: CommandOptions) {
    this.#options = options
    this.description = `command ${options.command}`
    this.process = this.#processView()
  }

  /** Whoever still wants to start the driver then is refused. May be repeated. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    try {
      for (const other of this.#others.splice(0)) await other[Symbol.asyncDispose]()
      await this.#child?.stop(this.#options.stopMs)
    } finally {
      rmSync(this.#directory, { recursive: true, force: true })
    }
  }

  #processView(): TargetProcess {
    const child = () => this.#child
    return {
      get pid() {
        return child()?.pid ?? 0
      },
      get isAlive() {
        return child()?.isAlive ?? false
      },
      get ownEnd() {
        return child()?.ownEnd
      },
      get stderr() {
        return child()?.stderr ?? ''
      },
      end: async (signal = 'SIGKILL') => (await child()?.end(signal, this.#options.stopMs)) ?? 'SIGKILL',
      restart: () => this.#restart(),
      startAnother: () => this.#startAnother(),
    }
  }

  async #restart(): Promise<void> {
    await this.#child?.stop(this.#options.stopMs)
    if (this.#isOver) throw new DriverUnreachable('the run is over')
    const line = this.#options.command.replaceAll(socketPlace, this.socketPath)
    const child = new ChildProcess(line)
    this.#child = child
    const end = performance.now() + this.#options.startMs
    while (!(await takesConnections(this.socketPath))) {
      if (!child.isAlive)
        throw new DriverUnreachable(`"${line}" ended before it listened: ${child.stderr.trim()}`)
      if (performance.now() > end) {
        throw new DriverUnreachable(`"${line}" does not listen within ${this.#options.startMs} ms`)
      }
      await sleep(pollMs)
    }
  }

  async #startAnother(): Promise<Target> {
    const another = new CommandTarget(this.#options)
    // Known before it runs, so that it ends with this one at any moment.
    this.#others.push(another)
    await another.process.restart()
    return another
  }
}
