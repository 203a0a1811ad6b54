// Compiles documents; a large one in a thread, so that the driver's other calls go on meanwhile.
import { Worker } from 'node:worker_threads'
import { ConetError } from '../../errors/index.ts'
import {
  type CompiledEgress,
  compileEgress,
  type EgressSource,
  type ThreadAnswer,
  type ThreadOutcome,
} from './compiled-egress.ts'

/** Fewer rules are compiled sooner than a thread is told of them. */
const manyRules = 500

/** So long the thread waits for another document: large ones come together, and what is compiled twice is compiled faster. */
const idleMs = 60_000

type Waiting = { resolve(outcome: ThreadOutcome): void; reject(error: unknown): void }

/** Owns a thread while it is needed; close it when done. */
export class EgressCompiler {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  /** Throws `invalidArgument` that names the fields. */
  async compile(source: EgressSource): Promise<CompiledEgress> {
    if (source.netOut.length < manyRules) return compileEgress(source)
    const outcome = await this.#inThread(source)
    if ('compiled' in outcome) return outcome.compiled
    const { message, fields } = outcome.refused
    throw new ConetError('invalidArgument', message, { fields: [...fields] })
  }

  /** Ends the thread; what it was compiling fails. May be repeated. */
  async close(): Promise<void> {
    clearTimeout(this.#idle)
    await this.#worker?.terminate()
  }

  async #inThread(source: EgressSource): Promise<ThreadOutcome> {
    clearTimeout(this.#idle)
    const worker = this.#worker ?? this.#start()
    const id = ++this.#lastId
    worker.ref()
    try {
      return await new Promise<ThreadOutcome>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        worker.postMessage({ id, source })
      })
    } finally {
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) this.#rest(worker)
    }
  }

  #rest(worker: Worker): void {
    worker.unref()
    this.#idle = setTimeout(() => void worker.terminate(), idleMs).unref()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./compile-worker.js', import.meta.url))
    this.#worker = worker
    worker.on('message', (answer: ThreadAnswer) => this.#waiting.get(answer.id)?.resolve(answer))
    const fail = (error: unknown) => {
      if (this.#worker === worker) this.#worker = undefined
      for (const { reject } of this.#waiting.values()) reject(error)
    }
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('the thread that compiles policies has ended')))
    return worker
  }
}
