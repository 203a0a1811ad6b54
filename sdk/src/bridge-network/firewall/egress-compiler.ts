// Compiles documents; a large one in a thread, so that the driver's other calls go on meanwhile.
import { Worker } from 'node:worker_threads'
import { ConetError } from '../../errors/index.ts'
import type { EgressPlan } from '../policy/rules.ts'
import {
  type CompiledEgress,
  compileEgress,
  type EgressSource,
  type ThreadAnswer,
  type ThreadOutcome,
} from './compiled-egress.ts'

/** Fewer rules are compiled sooner than a thread is told of them. */
const manyRules = 500

/** Documents of so many rules at most are remembered, and so many of a network: containers have theirs in common, and come again. */
const remembered = { rules: 100, documents: 32 }

/** So long the thread waits for another document: large ones come together, and what is compiled twice is compiled faster. */
const idleMs = 60_000

type Outcome = ThreadOutcome | 'no thread'
type Waiting = { resolve(outcome: Outcome): void; reject(error: unknown): void }

/** Owns a thread while it is needed; close it when done. */
export class EgressCompiler {
  readonly #waiting = new Map<number, Waiting>()
  readonly #compiled = new WeakMap<EgressPlan, Map<string, CompiledEgress>>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  /** Throws `invalidArgument` that names the fields. */
  async compile(source: EgressSource): Promise<CompiledEgress> {
    if (source.netOut.length <= remembered.rules) return this.#compileOnce(source)
    if (source.netOut.length < manyRules) return compileEgress(source)
    const outcome = await this.#inThread(source)
    // The driver stands still meanwhile, and goes on working: its program files were replaced since it started.
    if (outcome === 'no thread') return compileEgress(source)
    if ('compiled' in outcome) return outcome.compiled
    const { message, fields } = outcome.refused
    throw new ConetError('invalidArgument', message, { fields: [...fields] })
  }

  /** Ends the thread; what it was compiling fails. May be repeated. */
  async close(): Promise<void> {
    clearTimeout(this.#idle)
    await this.#worker?.terminate()
  }

  #compileOnce(source: EgressSource): CompiledEgress {
    const { network, netOut, families, logPrefix, table } = source
    const isLogging = netOut.some(({ log }) => log === true)
    const key = JSON.stringify([netOut, families, table, isLogging ? logPrefix : ''])
    const known = this.#compiled.get(network) ?? new Map<string, CompiledEgress>()
    this.#compiled.set(network, known)
    const compiled = known.get(key) ?? compileEgress(source)
    // The one that was wanted last is forgotten last.
    known.delete(key)
    known.set(key, compiled)
    const [oldest] = known.keys()
    if (known.size > remembered.documents && oldest !== undefined) known.delete(oldest)
    return compiled
  }

  async #inThread(source: EgressSource): Promise<Outcome> {
    clearTimeout(this.#idle)
    const worker = this.#worker ?? this.#start()
    const id = ++this.#lastId
    worker.ref()
    try {
      return await new Promise<Outcome>((resolve, reject) => {
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
      for (const { resolve, reject } of this.#waiting.values()) {
        if (isNotLoaded(error)) resolve('no thread')
        else reject(error)
      }
    }
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('the thread that compiles policies has ended')))
    return worker
  }
}

function isNotLoaded(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
}
