// A ping that goes on while other things happen, and counts what it lost.
import { type ChildProcess, spawn } from 'node:child_process'

export type PingCount = {
  /** Answers that came. */
  readonly received: number
  /** Numbers that never came, before the last that did. */
  readonly lost: readonly number[]
  /** Between the last answer and the end. */
  readonly silenceMs: number
}

export class RunningPing implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #seen = new Set<number>()
  #lastAnswerAt = performance.now()
  #rest = ''
  #ended: Promise<void>

  /** `command` runs ping, without a shell in between, so that a signal reaches it. */
  constructor(command: readonly [string, ...string[]], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    const [program, ...args] = command
    this.#process = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#ended = new Promise((resolve, reject) => {
      this.#process.on('close', () => resolve())
      this.#process.on('error', reject)
    })
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text))
  }

  get received(): number {
    return this.#seen.size
  }

  /** Ends it. May be repeated. */
  async stop(): Promise<PingCount> {
    const silenceMs = performance.now() - this.#lastAnswerAt
    this.#process.kill('SIGINT')
    const patience = setTimeout(() => this.#process.kill('SIGKILL'), 5_000)
    await this.#ended
    clearTimeout(patience)
    const numbers = Array.from({ length: Math.max(-1, ...this.#seen) + 1 }, (_, number) => number)
    return { received: this.#seen.size, lost: numbers.filter((number) => !this.#seen.has(number)), silenceMs }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [, number] = /\bseq=(\d+)\b/.exec(line) ?? []
      if (number === undefined) continue
      this.#seen.add(Number(number))
      this.#lastAnswerAt = performance.now()
    }
  }
}
