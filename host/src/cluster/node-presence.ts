// Keeps this node registered: takes its place in the cluster, shows that it lives by a lease, and begins anew whenever it
// lost either. Nothing that the node writes counts without the condition that is known here.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError, deadline } from '@conet/sdk'
import { Backoff } from '../retry/backoff.ts'
import { keys, root } from './keys.ts'
import { register } from './membership.ts'
import { clearRemoved } from './node-removal.ts'
import type { ObeyedRemovals } from './obeyed-removals.ts'
import type { SharedNode } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

/** A node that writes nothing finds out in this time that it may not, or that its record has changed. */
const defaultLookEachMs = 10_000
/** A write costs etcd more than a look: each so many looks a node finds out that it may read and not write. */
const looksPerWrite = 3
/** A node whose lease has run out is shown as away; what it has stays its own. */
const leaseSeconds = 10
const waitMs = 3_000

export type NodePresenceOptions = {
  readonly store: SharedStore
  readonly node: SharedNode
  readonly obeyed: Pick<ObeyedRemovals, 'has' | 'note' | 'ensureRegisteredAt'>
  /** Throws while other nodes could not reach this machine: it is not registered before they can. */
  assertReachable?(what: string): void
  /** An operator has removed the node: what it had is no longer its own. It is registered anew after that. */
  removed(): Promise<void>
  readonly lookEachMs?: number
  /** It is registered, or not any more. */
  changed(trouble: Trouble | undefined): void
}

/** Why the node has no part in the cluster now, and since when. */
export type Trouble = { readonly since: Date; readonly error: unknown }

export class NodePresence {
  readonly #options: NodePresenceOptions
  readonly #backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
  readonly #waiting = new Set<() => void>()
  #condition: Condition | undefined
  #trouble: Trouble | undefined
  #refuse: (reason: Error) => void = () => undefined

  constructor(options: NodePresenceOptions) {
    this.#options = options
  }

  /** To be among the conditions of all that this node writes; undefined while it is not registered. */
  get condition(): Condition | undefined {
    return this.#condition
  }

  get trouble(): Trouble | undefined {
    return this.#trouble
  }

  /** The condition. Waits for a moment while the node joins, throws `clusterUnavailable` if it cannot. */
  async registered(what: string, { signal }: CallLimits = {}): Promise<Condition> {
    if (this.#condition === undefined && this.#trouble === undefined) await this.#joined(signal)
    if (this.#condition !== undefined) return this.#condition
    const error = this.#trouble?.error
    const why = error instanceof Error ? error.message : 'it has not answered yet'
    const since = this.#trouble?.since.toISOString()
    throw new ConetError(
      ConetError.is(error, 'conflict') ? 'conflict' : 'clusterUnavailable',
      `${what}: this node has no part in the cluster${since === undefined ? '' : ` since ${since}`}: ${why}`,
      {
        cause: error,
        operationState: 'not-started',
        help: ConetError.is(error) ? (error.help ?? '') : 'look whether etcd runs',
      },
    )
  }

  /** As `registered`, of a store that may have lost it: it holds now. */
  async confirmed(what: string, limits: CallLimits): Promise<Condition> {
    const condition = await this.registered(what, limits)
    if ((await this.#options.store.commit([condition], [], limits)).committed) return condition
    this.refused()
    return this.registered(what, limits)
  }

  /** A write was refused because the condition does not hold. */
  refused(): void {
    this.#condition = undefined
    this.#refuse(changedByOthers(this.#options.node))
  }

  /**
   * The store says something else of this node: whether it is registered still, and nobody has removed this machine under
   * a former name. Never rejects.
   */
  async look(): Promise<void> {
    const condition = this.#condition
    if (condition === undefined) return
    const { store, node } = this.#options
    try {
      const { committed } = await store.commit([condition, { absent: keys.removed(node.identity) }], [])
      if (!committed && this.#condition === condition) this.refused()
    } catch {
      // The store is away: it is looked at when it is back.
    }
  }

  /** Keeps the node registered until the signal aborts. Called once. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#takePart(signal)
      } catch (error) {
        if (signal.aborted) return
        this.#condition = undefined
        this.#trouble = { since: this.#trouble?.since ?? new Date(), error }
        this.#tell()
        await sleep(this.#backoff.nextMs(), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #takePart(signal: AbortSignal): Promise<never> {
    const { store, node, obeyed, removed } = this.#options
    this.#options.assertReachable?.('join the cluster')
    const end = new AbortController()
    const abort = () => end.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      // Before the new registration, which takes the mark away.
      const mark = (await store.get(keys.removed(node.identity), { signal }))?.value
      if (mark !== undefined && !obeyed.has(mark)) {
        await removed()
        obeyed.note(mark)
      }
      // Whoever has removed it may not be done, and goes no further once it is registered.
      if (mark !== undefined) await clearRemoved(store, node.name, { signal })
      const registeredAt = obeyed.ensureRegisteredAt()
      const { condition } = await register(store, { ...node, registeredAt }, { obeyed: mark, signal })
      const lease = await store.holdLease(leaseSeconds, end.signal)
      const alive = { put: keys.aliveNode(node.name), value: new Date().toISOString(), lease: lease.id }
      const { committed } = await store.commit([condition], [alive], { signal })
      if (!committed) throw changedByOthers(node)
      const refusal = new Promise<Error>((resolve) => {
        this.#refuse = resolve
      })
      this.#condition = condition
      this.#trouble = undefined
      this.#backoff.reset()
      this.#tell()
      void this.#lookOften(end.signal)
      throw (await Promise.race([lease.lost, refusal])) ?? new Error('the lease of this node has run out')
    } finally {
      signal.removeEventListener('abort', abort)
      end.abort()
    }
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
    this.#options.changed(this.#trouble)
  }

  /** What a lease and watches live on is not what a new call needs: etcd may refuse that one alone. */
  async #lookOften(signal: AbortSignal): Promise<void> {
    const { lookEachMs = defaultLookEachMs } = this.#options
    for (let looks = 1; !signal.aborted; looks++) {
      await sleep(lookEachMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      await this.look()
      if (looks % looksPerWrite === 0) await this.#tryToWrite()
    }
  }

  /** Writes nothing, since no record has this key; etcd looks all the same whether it would be allowed, and the store tells. */
  async #tryToWrite(): Promise<void> {
    const { store } = this.#options
    await store.commit([{ present: root }], [{ put: root, value: '' }]).catch(() => undefined)
  }

  async #joined(outer: AbortSignal | undefined): Promise<void> {
    using limit = deadline(waitMs, 'join the cluster', outer)
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve)
      limit.signal.addEventListener('abort', () => resolve(), { once: true })
      if (limit.signal.aborted) resolve()
    })
    outer?.throwIfAborted()
  }
}

function changedByOthers({ name, identity }: SharedNode): ConetError {
  return new ConetError('clusterUnavailable', 'the record of this node was changed by others', {
    details: { node: name, identity },
    help: 'nothing: it looks why, and joins anew at once',
  })
}
