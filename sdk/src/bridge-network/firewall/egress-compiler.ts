// Compiles documents; a large one in a thread, so that the driver's other calls go on meanwhile.
import { ConetError } from '../../errors/index.ts'
import type { EgressPlan } from '../policy/rules.ts'
import { CompileThread } from './compile-thread.ts'
import { type CompiledEgress, compileEgress, type EgressSource } from './compiled-egress.ts'

/** Fewer rules are compiled sooner than a thread is told of them. */
const manyRules = 500

/** Documents of so many rules at most are remembered, and so many of a network: containers have theirs in common, and come again. */
const remembered = { rules: 100, documents: 32 }

/** Owns a thread while it is needed; close it when done. */
export class EgressCompiler {
  readonly #compiled = new WeakMap<EgressPlan, Map<string, CompiledEgress>>()
  #thread: CompileThread | undefined

  /** Throws `invalidArgument` that names the fields. */
  async compile(source: EgressSource): Promise<CompiledEgress> {
    if (source.netOut.length <= remembered.rules) return this.#compileOnce(source)
    if (source.netOut.length < manyRules) return compileEgress(source)
    const outcome = await (this.#thread ?? this.#start()).compile(source)
    // The driver stands still meanwhile, and goes on working: its program files were replaced since it started.
    if (outcome === 'no thread') return compileEgress(source)
    if ('compiled' in outcome) return outcome.compiled
    const { message, fields } = outcome.refused
    throw new ConetError('invalidArgument', message, { fields: [...fields] })
  }

  /** Ends the thread; what it was compiling fails. May be repeated. */
  async close(): Promise<void> {
    await this.#thread?.end()
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

  #start(): CompileThread {
    const thread = new CompileThread({
      ends: () => {
        if (this.#thread === thread) this.#thread = undefined
      },
    })
    this.#thread = thread
    return thread
  }
}
