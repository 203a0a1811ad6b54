// A process inside a namespace that listens and connects as it is told: one for all traffic of a test in that namespace.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./traffic-peer-main.mjs', import.meta.url))

export type Target = { readonly address: string; readonly port: number; readonly timeoutMs?: number }

/** What was refused fails soon; this is for what is dropped. */
const usualTimeoutMs = 3_000

export class TrafficPeer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #closed: Promise<unknown>
  readonly #waiting = new Map<number, (answer: string) => void>()
  #lastId = 0

  /** `namespacePath` undefined: in the namespace of the test. */
  constructor(name: string, namespacePath?: string) {
    const node = [process.execPath, program, name]
    const argv = namespacePath === undefined ? node : ['nsenter', `--net=${namespacePath}`, ...node]
    const [command = '', ...rest] = argv
    this.#child = spawn(command, rest)
    this.#child.stderr.pipe(process.stderr)
    this.#closed = once(this.#child, 'close')
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, answer } = JSON.parse(line)
      this.#waiting.get(id)?.(answer)
    })
  }

  async listen(protocol: 'tcp' | 'udp', port: number): Promise<void> {
    await this.#must('listen', { protocol, port })
  }

  /** Sends to whoever connects as fast as it goes. */
  async flood(port: number): Promise<void> {
    await this.#must('flood', { port })
  }

  /** What the other side says: `web sees 10.1.0.2`; or `failed: …`. `keep`: the connection stays, for `echo`. */
  tcp(target: Target & { keep?: string }): Promise<string> {
    return this.#ask('tcp', { timeoutMs: usualTimeoutMs, ...target })
  }

  /** `again` where a kept connection still carries. */
  echo(keep: string, timeoutMs = usualTimeoutMs): Promise<string> {
    return this.#ask('echo', { keep, timeoutMs })
  }

  /** `from`: the local port, for packets of one flow. */
  udp(target: Target & { from?: number }): Promise<string> {
    return this.#ask('udp', { timeoutMs: usualTimeoutMs, ...target })
  }

  /** Bytes a second of what it receives; not a number where the connection breaks off. */
  async receive(target: Target & { forMs: number }): Promise<number> {
    return Number(await this.#ask('receive', target))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end()
    await this.#closed
  }

  async #must(command: string, options: object): Promise<void> {
    const answer = await this.#ask(command, options)
    if (answer !== 'listens') throw new Error(`${command}: ${answer}`)
  }

  #ask(command: string, options: object): Promise<string> {
    const id = ++this.#lastId
    this.#child.stdin.write(`${JSON.stringify({ id, command, ...options })}\n`)
    return new Promise((resolve) => this.#waiting.set(id, resolve))
  }
}
