// A ping from inside a namespace that goes on until it is stopped, and tells how many packets were lost.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from './eventually.ts'

export class RunningPing {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #output = ''

  constructor({ namespacePath, address }: { namespacePath: string; address: string }) {
    this.#child = spawn('nsenter', [`--net=${namespacePath}`, 'ping', '-i', '0.01', address])
    this.#closed = once(this.#child, 'close')
    this.#child.stdout?.on('data', (data) => (this.#output += data))
  }

  get answers(): number {
    return this.#output.split('bytes from').length - 1
  }

  /** Resolves when a packet sent from now on was answered. */
  async goesOn(): Promise<void> {
    const before = this.answers
    await eventually(() => this.answers > before + 3, { timeoutMs: 15_000 })
  }

  /** May be repeated. */
  async stop(): Promise<{ sent: number; received: number }> {
    this.#child.kill('SIGINT')
    await this.#closed
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(this.#output) ?? []
    return { sent: Number(sent), received: Number(received) }
  }
}
