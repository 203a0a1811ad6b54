// A program of this folder in a network namespace, spoken to in lines. Whoever starts it stops it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export class Helper implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** `namespace` is a path; of `program` the name without `-main.js`. */
  static start(namespace: string, program: string, ...argv: string[]): Helper {
    const file = fileURLToPath(new URL(`${program}-main.js`, import.meta.url))
    return Helper.run(namespace, process.execPath, file, ...argv)
  }

  static run(namespace: string, ...argv: string[]): Helper {
    return new Helper(spawn('nsenter', [`--net=${namespace}`, ...argv]))
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  async nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.#child.spawnargs.join(' ')} has ended: ${this.#child.stderr.read()}`)
    return value
  }

  /** Reads lines until one has it. */
  async lineWith(text: string): Promise<void> {
    while (!(await this.nextLine()).includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }
}
