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

  /**
   * Its end, after an answer to what it sends from now on. `sent`: up to the last that was answered; one after it may be under
   * way when the ping ends, and more than one would be noticed, since it must go on to the last. May be repeated.
   */
  async stop(): Promise<{ sent: number; received: number }> {
    try {
      if (this.#child.exitCode === null && this.#child.signalCode === null) await this.goesOn()
    } finally {
      await this.#end()
    }
    const sequences = [...this.#output.matchAll(/icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence))
    return { sent: Math.max(0, ...sequences), received: this.#received }
  }

  /** Its end, whether it has answers or not: how many it had. May be repeated. */
  async stopUnanswered(): Promise<number> {
    await this.#end()
    return this.#received
  }

  async #end(): Promise<void> {
    this.#child.kill('SIGINT')
    await this.#closed
  }

  get #received(): number {
    const [, received] = /packets transmitted, (\d+) received/.exec(this.#output) ?? []
    return Number(received)
  }
}
