// The shared store in etcd 3.4 or later. No policy of the client's retries or shuts anything off: who asks has a
// deadline and knows what to do. Sources: etcd API reference v3.4 (api_reference_v3.md), sections KV, Watch, Lease.
import { ConetError } from '@conet/sdk'
import { EtcdConnection } from './etcd-connection.ts'
import { isAnswer } from './etcd-errors.ts'
import type { EtcdOptions } from './etcd-identity.ts'
import { holdLease } from './etcd-lease.ts'
import { type AskedKey, askedOf, type Connected, compareOf, rangeOf, requestOf } from './etcd-requests.ts'
import { watchPrefix } from './etcd-watch.ts'
import type {
  CallLimits,
  CommitResult,
  Condition,
  Lease,
  SharedChange,
  SharedEntry,
  SharedStore,
  StoreRefusal,
  Watching,
} from './shared-store.ts'

const defaultTimeoutMs = 3_000
type Work<T> = (connected: Connected, call: { deadline: number }) => Promise<T>

/** Entries of one answer: a few hundred bytes each. */
const pageSize = 2_000

export class EtcdStore implements SharedStore {
  readonly #connection: EtcdConnection
  readonly #timeoutMs: number
  readonly #hasOthers: boolean
  #revision = 0
  #written = 0

  /** `told` hears when etcd begins to refuse this host, and when it takes it again. Throws where a file cannot be read. */
  constructor(options: EtcdOptions, told: (refusal: StoreRefusal | undefined) => void = () => undefined) {
    this.#connection = new EtcdConnection(options, told)
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
    this.#hasOthers = options.endpoints.length > 1
  }

  get refusal(): StoreRefusal | undefined {
    return this.#connection.refusal
  }

  get revision(): number {
    return this.#revision
  }

  get written(): number {
    return this.#written
  }

  restartAt(revision: number): void {
    this.#revision = revision
  }

  async get(key: string, limits: CallLimits = {}): Promise<SharedEntry | undefined> {
    const { kvs, header } = await this.#read({ verb: 'read', key }, limits, ({ client }, call) =>
      client.kv.range({ key: Buffer.from(key) }, call),
    )
    this.#note(header)
    return kvs.map(entryOf)[0]
  }

  async list(prefix: string, limits: CallLimits = {}): Promise<{ entries: SharedEntry[]; revision: number }> {
    const entries: SharedEntry[] = []
    let revision = 0
    for (let range = rangeOf(prefix), isWhole = false; !isWhole; ) {
      const page = await this.#read({ verb: 'read', key: prefix }, limits, ({ client }, call) =>
        client.kv.range({ ...range, limit: pageSize, revision }, call),
      )
      revision ||= this.#note(page.header)
      entries.push(...page.kvs.map(entryOf))
      isWhole = !page.more
      range = { ...range, key: after(entries.at(-1)?.key ?? prefix) }
    }
    return { entries, revision }
  }

  async count(prefix: string, limits: CallLimits = {}): Promise<number> {
    const { count } = await this.#read({ verb: 'read', key: prefix }, limits, ({ client }, call) =>
      client.kv.range({ ...rangeOf(prefix), count_only: true }, call),
    )
    return Number(count)
  }

  async commit(
    conditions: readonly Condition[],
    changes: readonly SharedChange[],
    limits: CallLimits = {},
  ): Promise<CommitResult> {
    const request = { compare: conditions.map(compareOf), success: changes.map(requestOf) }
    const { succeeded, header } = await this.#call(askedOf(conditions, changes), limits, ({ client }, call) =>
      client.kv.txn(request, call),
    )
    const revision = this.#note(header)
    if (succeeded && changes.length > 0) this.#written = revision
    return { committed: succeeded, revision }
  }

  async watch(prefix: string, watching: Watching): Promise<void> {
    const changed: Watching['changed'] = (changes) => {
      for (const { revision } of changes.slice(-1)) this.#note({ revision })
      watching.changed(changes)
    }
    const connected = await this.#connection.choose(this.#timeoutMs)
    return watchPrefix(connected, prefix, { ...watching, changed })
  }

  holdLease(ttlSeconds: number, signal: AbortSignal): Promise<Lease> {
    const choose = (withinMs: number) => this.#connection.choose(withinMs)
    return holdLease(choose, { ttlSeconds, signal, timeoutMs: this.#timeoutMs })
  }

  async grantLease(ttlSeconds: number, limits: CallLimits = {}): Promise<string> {
    const wish = { TTL: ttlSeconds }
    const { ID } = await this.#call('take a lease of the shared store', limits, ({ client }, call) =>
      client.leaseClient.leaseGrant(wish, call),
    )
    return ID
  }

  close(): void {
    this.#connection.close()
  }

  #note({ revision }: { revision: string | number }): number {
    this.#revision = Math.max(this.#revision, Number(revision))
    return Number(revision)
  }

  /** Of a member that does not answer another one may be asked the same. */
  async #read<T>(what: AskedKey, limits: CallLimits, work: Work<T>): Promise<T> {
    if (!this.#hasOthers) return this.#call(what, limits, work)
    const { timeoutMs = this.#timeoutMs } = limits
    const untilMs = performance.now() + timeoutMs
    try {
      return await this.#call(what, { ...limits, timeoutMs: timeoutMs / 2 }, work)
    } catch (error) {
      const isOver = !ConetError.is(error, 'clusterUnavailable') || isAnswer(error.cause)
      const leftMs = untilMs - performance.now()
      if (isOver || leftMs <= 0) throw error
      return this.#call(what, { ...limits, timeoutMs: leftMs }, work)
    }
  }

  async #call<T>(
    what: string | AskedKey,
    { signal, timeoutMs = this.#timeoutMs }: CallLimits,
    work: Work<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const untilMs = performance.now() + timeoutMs
    const leftMs = () => untilMs - performance.now()
    const connected = await this.#connection.choose(timeoutMs / 2)
    try {
      const answer = await work(connected, { deadline: Date.now() + leftMs() })
      connected.answered()
      return answer
    } catch (error) {
      throw await connected.failure(what, error, leftMs())
    }
  }
}

function entryOf({
  key,
  value,
  mod_revision: revision,
}: {
  key: Buffer
  value: Buffer
  mod_revision: string
}) {
  return { key: key.toString(), value: value.toString(), revision: Number(revision) }
}

/** The first key that comes after this one. */
function after(key: string): Buffer {
  return Buffer.concat([Buffer.from(key), Buffer.alloc(1)])
}
