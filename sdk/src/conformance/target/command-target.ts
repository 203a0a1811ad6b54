// A driver that the kit starts from a command line, ends and starts again.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverUnreachable } from '../wire/raw-connection.ts'
import { ChildProcess } from './child-process.ts'
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

/** Starts the command; resolves when it takes connections. Rejects with DriverUnreachable. */
export async function commandTarget(options: CommandOptions): Promise<Target> {
  const target = new CommandTarget(options)
  try {
    await target.process.restart()
  } catch (error) {
    await target[Symbol.asyncDispose]()
    throw error
  }
  return target
}

class CommandTarget implements Target {
  readonly #directory = mkdtempSync(join(tmpdir(), 'conet-kit-'))
  readonly #others: Target[] = []
  readonly #options: CommandOptions
  readonly socketPath = join(this.#directory, 'driver.sock')
  readonly process: TargetProcess
  readonly description: string
  #child: ChildProcess | undefined

  constructor(options: CommandOptions) {
    this.#options = options
    this.description = `command ${options.command}`
    this.process = this.#processView()
  }

  async [Symbol.asyncDispose](): Promise<void> {
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
    const another = await commandTarget(this.#options)
    this.#others.push(another)
    return another
  }
}

function takesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
