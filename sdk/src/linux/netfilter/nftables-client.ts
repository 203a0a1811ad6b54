// The client of nfnetlink for one table of nftables: changes it by single objects and reads it, past libnftables, which
// reads every chain of the ruleset back before each change.

import { KernelError } from '../kernel-error.ts'
import type { Place } from '../namespace.ts'
import { runIn } from '../namespace.ts'
import { NFNL_SUBSYS } from './constants.ts'
import type { NetfilterRequest } from './netfilter-request.ts'
import { NetfilterSocket } from './netfilter-socket.ts'
import {
  type FoundChain,
  type FoundElement,
  type FoundRule,
  getGeneration,
  listChains,
  listElements,
  listRules,
  listSets,
  listTables,
  parseChain,
  parseDormant,
  parseElements,
  parseGeneration,
  parseRule,
  parseSet,
} from './nftables-listing.ts'
import type { TableMember } from './nftables-objects.ts'

/**
 * Tables of family inet in the namespace of the thread that opens it, by nfnetlink. All but `runSlow` is synchronous.
 * Errors are KernelErrors with the operation of the very request that failed.
 */
export class NftablesClient implements Disposable {
  readonly #changes: NetfilterSocket
  /** A socket of its own, so that one may read while a thread waits for a transaction. */
  readonly #reads: NetfilterSocket

  private constructor() {
    this.#changes = new NetfilterSocket()
    this.#reads = new NetfilterSocket()
  }

  static open(place?: Place): NftablesClient {
    return runIn(place, () => new NftablesClient())
  }

  /** One transaction: all of it or nothing. */
  run(requests: readonly NetfilterRequest[]): void {
    this.#changes.transact(NFNL_SUBSYS.NFTABLES, requests)
  }

  /** The same in a thread of libuv's pool, for thousands of elements. One at a time, and no `run` meanwhile. */
  async runSlow(requests: readonly NetfilterRequest[]): Promise<void> {
    await this.#changes.transactInThread(NFNL_SUBSYS.NFTABLES, requests)
  }

  /** Counts up with each transaction of anybody in the namespace. A few microseconds. */
  generation(): number {
    return this.#reads.ask(getGeneration, parseGeneration) ?? 0
  }

  /** Whether the table is there, and somebody has switched it off. */
  isDormant(table: string): boolean {
    return this.#reads.dump(listTables, (message) => parseDormant(message, table)).includes(true)
  }

  /** None where there is no table. */
  chains(table: string): FoundChain[] {
    return this.#reads.dump(listChains, (message) => parseChain(message, table))
  }

  rules(table: string): FoundRule[] {
    return this.#reads.dump(listRules(table), (message) => parseRule(message, table))
  }

  /** The names of a table's sets and maps; none where there is no table. */
  sets(table: string): string[] {
    return orNone(() => this.#reads.dump(listSets(table), parseSet))
  }

  /** None where there is no such set. */
  elements(set: TableMember): FoundElement[] {
    return orNone(() => this.#reads.dump(listElements(set), parseElements)).flat()
  }

  /** May be repeated. */
  close(): void {
    this.#changes.close()
    this.#reads.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function orNone<T>(read: () => T[]): T[] {
  try {
    return read()
  } catch (error) {
    if (KernelError.is(error, 'ENOENT')) return []
    throw error
  }
}
