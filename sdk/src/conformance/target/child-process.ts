// One life of a driver's process, in a process group of its own so that all of it ends together.
import { type ChildProcess as NodeChild, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 5
const mostStderr = 64 * 1024

export class ChildProcess {
  readonly #child: NodeChild
  readonly #exited: Promise<number | string>
  #stderr = ''
  #isAlive = true
  #isTold = false
  #ownEnd: number | string | undefined

  /** Starts `sh -c line`. */
  constructor(line: string) {
    this.#child = spawn('sh', ['-c', replacingShell(line)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-mostStderr)
    })
    this.#exited = new Promise((resolve) => {
      const settle = (outcome: number | string) => {
        this.#isAlive = false
        if (!this.#isTold) this.#ownEnd = outcome
        resolve(outcome)
      }
      this.#child.once('exit', (code, signal) => settle(signal ?? code ?? 0))
      this.#child.once('error', (error) => {
        this.#stderr += error.message
        settle(127)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get ownEnd(): number | string | undefined {
    return this.#ownEnd
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Sends the signal and waits; what outlives `stopMs` is killed. */
  async end(signal: NodeJS.Signals, stopMs: number): Promise<number | string> {
    this.#isTold = true
    this.#signal(signal)
    const killer = setTimeout(() => this.#signal('SIGKILL'), stopMs)
    try {
      const outcome = await this.#exited
      await this.#groupEnds(stopMs)
      return outcome
    } finally {
      clearTimeout(killer)
    }
  }

  /** Ends whatever is left of the group. May be repeated. */
  async stop(stopMs: number): Promise<void> {
    if (this.#isAlive) await this.end('SIGTERM', stopMs)
    this.#signal('SIGKILL')
    this.#child.stderr?.destroy()
  }

  /** The leader may have been a shell, and the driver its child. Children that nobody reaps do not end: hence the limit. */
  async #groupEnds(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs
    while (this.#signal(0) && performance.now() < end) await sleep(pollMs)
  }

  /** Whether there was somebody to hear it. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child
    if (pid === undefined) return false
    try {
      return process.kill(-pid, signal)
    } catch (error) {
      if (!isGone(error)) throw error
      return false
    }
  }
}

/** A simple command takes the shell's place, so that its exit code, signals and memory are those of the process. */
function replacingShell(line: string): string {
  if (/[;&|()<>`]|^\s*exec\b/.test(line)) return line
  return /^\s*[A-Za-z_][A-Za-z_0-9]*=/.test(line) ? `exec env ${line}` : `exec ${line}`
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH'
}
