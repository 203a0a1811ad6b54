// Conditions and changes as etcd's transactions take them.
import type { ConetError } from '@conet/sdk'
import type { Etcd3, ICompare, IRangeRequest, IRequestOp } from 'etcd3'
import { Range } from 'etcd3'
import type { EtcdOptions } from './etcd-identity.ts'
import { wordsOfKey } from './key-words.ts'
import { root } from './keys.ts'
import type { Condition, SharedChange } from './shared-store.ts'

/** What was asked of the store. Nearly every call ends well, so that nobody needs it in words. */
export type AskedKey = {
  readonly verb: 'read' | 'write' | 'remove' | 'watch' | 'look at'
  readonly key: string
}

export type Connected = {
  readonly client: Etcd3
  readonly options: EtcdOptions
  /** Aborts when another client has taken over: nothing new is to be asked of this one. */
  readonly replaced: AbortSignal
  /** A call was: its member may be asked the next one at once. */
  answered(): void
  /**
   * What `cause` is in the words of the catalogue; `what` opens the message. Why it failed is looked for no longer than
   * the call may take.
   */
  failure(what: string | AskedKey, cause: unknown, withinMs?: number): Promise<ConetError>
}

/** For people. */
export function askedWords({ verb, key }: AskedKey): string {
  return `${verb} ${wordsOfKey(key)} in the shared store`
}

/** By the first change, or by the first condition where nothing is to change. */
export function askedOf(conditions: readonly Condition[], [change]: readonly SharedChange[]): AskedKey {
  if (change === undefined) return { verb: 'look at', key: keyOf(conditions) }
  if ('put' in change) return { verb: 'write', key: change.put }
  return { verb: 'remove', key: 'clear' in change ? change.clear : change.delete }
}

export function rangeOf(prefix: string): Required<Pick<IRangeRequest, 'key' | 'range_end'>> {
  const { start, end } = Range.prefix(prefix)
  return { key: start, range_end: end }
}

export function compareOf(condition: Condition): ICompare {
  if ('absent' in condition) return created('Equal', { key: Buffer.from(condition.absent) })
  if ('present' in condition) return created('Greater', { key: Buffer.from(condition.present) })
  // Of a range in which there is nothing etcd compares a key that never was.
  if ('empty' in condition) return created('Equal', rangeOf(condition.empty))
  if ('older' in condition) {
    const { older, than } = condition
    return { target: 'Mod', result: 'Less', mod_revision: than, ...rangeOf(older) }
  }
  if ('is' in condition) {
    const { is, value } = condition
    return { target: 'Value', result: 'Equal', key: Buffer.from(is), value: Buffer.from(value) }
  }
  const { unchanged, since } = condition
  return { target: 'Mod', result: 'Equal', key: Buffer.from(unchanged), mod_revision: since }
}

function keyOf([condition]: readonly Condition[]): string {
  if (condition === undefined) return root
  if ('absent' in condition) return condition.absent
  if ('present' in condition) return condition.present
  if ('empty' in condition) return condition.empty
  if ('older' in condition) return condition.older
  return 'is' in condition ? condition.is : condition.unchanged
}

function created(result: 'Equal' | 'Greater', range: Pick<ICompare, 'key' | 'range_end'>): ICompare {
  return { target: 'Create', result, create_revision: 0, ...range }
}

export function requestOf(change: SharedChange): IRequestOp {
  if ('clear' in change) return { request_delete_range: rangeOf(change.clear) }
  if ('delete' in change) return { request_delete_range: { key: Buffer.from(change.delete) } }
  const { put, value, lease = 0 } = change
  return { request_put: { key: Buffer.from(put), value: Buffer.from(value), lease } }
}
