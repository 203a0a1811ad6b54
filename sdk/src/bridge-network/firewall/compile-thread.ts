// A thread that compiles documents, and those who wait for it: what it does to them concerns no other thread.
import { Worker } from 'node:worker_threads'
import type { EgressSource, ThreadAnswer, ThreadOutcome } from './compiled-egress.ts'

/** So long it waits for another document: large ones come together, and what is compiled twice is compiled faster. */
const idleMs = 60_000

export type Outcome = ThreadOutcome | 'no thread'
type Waiting = { resolve(outcome: Outcome): void; reject(error: unknown): void }

/** Ends by itself when nobody wants anything of it for a while. */
export class CompileThread {
  readonly #worker = new Worker(new URL('./compile-worker.js', import.meta.url))
  readonly #waiting = new Map<number, Waiting>()
  readonly #ends: () => void
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  /** `ends`: called when it takes no more, maybe more than once. */
  constructor({ ends }: { ends: () => void }) {
    this.#ends = ends
    this.#worker.on('message', (answer: ThreadAnswer) => this.#waiting.get(answer.id)?.resolve(answer))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the thread that compiles policies has ended')))
  }

  async compile(source: EgressSource): Promise<Outcome> {
    clearTimeout(this.#idle)
    const id = ++this.#lastId
    this.#worker.ref()
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        this.#worker.postMessage({ id, source })
      })
    } finally {
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) this.#rest()
    }
  }

  /** What it was compiling fails. May be repeated. */
  async end(): Promise<void> {
    clearTimeout(this.#idle)
    this.#ends()
    await this.#worker.terminate()
  }

  #rest(): void {
    this.#worker.unref()
    this.#idle = setTimeout(() => void this.end(), idleMs).unref()
  }

  #fail(error: unknown): void {
    this.#ends()
    for (const { resolve, reject } of this.#waiting.values()) {
      if (isNotLoaded(error)) resolve('no thread')
      else reject(error)
    }
  }
}

function isNotLoaded(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
}
