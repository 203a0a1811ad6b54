// Firewall rules of one network namespace, changed in process through libnftables: one call, one transaction.
// What the rules are for, the drivers know.
import { writeSync } from 'node:fs'
import { checked, closeDescriptor, libc } from './libc.ts'
import { type Place, runIn } from './namespace.ts'
import { nftablesError } from './nftables-error.ts'
import { type Context, type NftablesLibrary, nftablesLibrary } from './nftables-library.ts'
import { withoutSignals } from './signal-mask.ts'

const memfd_create: (name: string, flags: number) => number = libc.func(
  'int memfd_create(const char *name, unsigned int flags)',
)

const MFD_CLOEXEC = 1
const NFT_CTX_OUTPUT_JSON = 1 << 4

/** One object of `nft --json list`: `{ chain: {…} }`, `{ map: {…} }` (libnftables-json(5)). */
export type NftablesObject = Readonly<Record<string, unknown>>

/**
 * A context of libnftables. It belongs to the namespace in which it was made, and runs there: `place` must stay
 * open for as long as the context is used. Every call is synchronous and blocks the thread: 0.1 ms for a map
 * element, 270 ms for 5,000 rules, which is work for a worker thread with a context of its own.
 *
 * The context keeps what it has read of the ruleset and compares the kernel's generation number before each
 * use, so changes by other programs are seen.
 *
 * Match interfaces by `iifname` and `oifname`, never by `iif` and `oif`: their index dies with the interface,
 * and libnftables keeps one table of indexes for all threads of the process, so that two threads in two
 * namespaces get each other's (measured; with names alone two threads do not meet).
 */
export class Nftables implements Disposable {
  readonly #library: NftablesLibrary
  readonly #place: Place
  #context: Context | undefined

  private constructor(library: NftablesLibrary, place: Place) {
    this.#library = library
    this.#place = place
    this.#context = runIn(place, () => newContext(library))
  }

  /** Throws `failedPrecondition` when libnftables is missing. */
  static open(place?: Place): Nftables {
    return new Nftables(nftablesLibrary(), place)
  }

  /**
   * Applies a ruleset text (nft(8)) as one transaction: all of it or nothing. `operation` opens the error's message.
   * Throws a KernelError with libnftables' words: EINVAL (it did not understand the text), ENOENT, EEXIST, EBUSY, …
   * Put names and strings in with `nftName`, `nftString` and `nftInterfaceName`.
   */
  run(text: string, operation = 'change the firewall'): void {
    this.#execute(text, { operation, flags: 0 })
  }

  /**
   * `what` as after `nft list`: `table inet conet`, `map inet conet ports`, `ruleset`. Throws a KernelError, ENOENT
   * when it is not there.
   */
  list(what: string): NftablesObject[] {
    const operation = `list ${what}`
    const output = this.#execute(operation, { operation, flags: NFT_CTX_OUTPUT_JSON })
    // Nothing at all is printed when there is nothing to list.
    if (output === '') return []
    const parsed: { nftables: NftablesObject[] } = JSON.parse(output)
    return parsed.nftables.filter((object) => !('metainfo' in object))
  }

  /** Frees the context; may be repeated. The rules stay. */
  close(): void {
    if (this.#context === undefined) return
    this.#library.freeContext(this.#context)
    this.#context = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Inside the namespace too, and not just the opening: names of interfaces in the text are looked up by the thread. Without signals:
   * libnftables fails with EINTR at any, also when the transaction is done, so that it could not just be repeated.
   */
  #execute(text: string, { operation, flags }: { operation: string; flags: number }): string {
    const context = this.#context
    if (context === undefined) throw new Error(`${operation}: this nftables context was closed`)
    const library = this.#library
    library.setOutputFlags(context, flags)
    const result = runIn(this.#place, () => withoutSignals(() => runText(library, context, text)))
    // Both are taken each time: what is left would be in front of the next answer.
    const output = library.takeOutput(context)
    const errors = library.takeError(context)
    if (result < 0) throw nftablesError(operation, errors)
    return output
  }
}

/** Both streams into buffers: libnftables would print to this process's stdout and stderr. */
function newContext(library: NftablesLibrary): Context {
  const context = library.newContext(0)
  if (context === null) throw new Error('libnftables gave no context: out of memory')
  if (library.bufferOutput(context) === 0 && library.bufferError(context) === 0) return context
  library.freeContext(context)
  throw new Error('libnftables gave no buffers: out of memory')
}

/**
 * Text of several lines goes in as a file: given as a string, libnftables underlines the wrong line in its errors
 * (1.0.6 always prints the first), and numbers none.
 */
function runText(library: NftablesLibrary, context: Context, text: string): number {
  if (!text.includes('\n')) return library.runText(context, text)
  const fd = checked(memfd_create('conet-ruleset', MFD_CLOEXEC), 'make a file for a ruleset')
  try {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    return library.runFile(context, `/proc/self/fd/${fd}`)
  } finally {
    closeDescriptor(fd)
  }
}
