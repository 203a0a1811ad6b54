// The shared store in etcd 3.4 or later. No policy of the client's retries or shuts anything off: who asks has a
// deadline and knows what to do. Sources: etcd API reference v3.4 (api_reference_v3.md), sections KV, Watch, Lease.
import { EtcdConnection } from './etcd-connection.ts'
import type { EtcdOptions } from './etcd-identity.ts'
import { holdLease } from './etcd-lease.ts'
import { type Connected, compareOf, rangeOf, requestOf } from './etcd-requests.ts'
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
/** Entries of one answer: a few hundred bytes each. */
const pageSize = 2_000

export class EtcdStore implements SharedStore {
  readonly #connection: EtcdConnection
  readonly #timeoutMs: number
  #revision = 0
  #written = 0

  /** `told` hears when etcd begins to refuse this host, and when it takes it again. Throws where a file cannot be read. */
  constructor(options: EtcdOptions, told: (refusal: StoreRefusal | undefined) => void = () => undefined) {
    this.#connection = new EtcdConnection(options, told)
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
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
    const { kvs, header } = await this.#call(`read ${key}`, limits, ({ client }, call) =>
      client.kv.range({ key: Buffer.from(key) }, call),
    )
    this.#note(header)
    return kvs.map(entryOf)[0]
  }

  async list(prefix: string, limits: CallLimits = {}): Promise<{ entries: SharedEntry[]; revision: number }> {
    const entries: SharedEntry[] = []
    let revision = 0
    for (let range = rangeOf(prefix), isWhole = false; !isWhole; ) {
      const page = await this.#call(`list ${prefix}`, limits, ({ client }, call) =>
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
    const { count } = await this.#call(`count ${prefix}`, limits, ({ client }, call) =>
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
    const { succeeded, header } = await this.#call('commit', limits, ({ client }, call) =>
      client.kv.txn(request, call),
    )
    const revision = this.#note(header)
    if (succeeded && changes.length > 0) this.#written = revision
    return { committed: succeeded, revision }
  }

  watch(prefix: string, watching: Watching): Promise<void> {
    const changed: Watching['changed'] = (changes) => {
      for (const { revision } of changes.slice(-1)) this.#note({ revision })
      watching.changed(changes)
    }
    return watchPrefix(this.#connection.current, prefix, { ...watching, changed })
  }

  holdLease(ttlSeconds: number, signal: AbortSignal): Promise<Lease> {
    return holdLease(this.#connection.current, { ttlSeconds, signal, timeoutMs: this.#timeoutMs })
  }

  async grantLease(ttlSeconds: number, limits: CallLimits = {}): Promise<string> {
    const wish = { TTL: ttlSeconds }
    const { ID } = await this.#call('take a lease', limits, ({ client }, call) =>
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

  async #call<T>(
    what: string,
    { signal, timeoutMs = this.#timeoutMs }: CallLimits,
    work: (connected: Connected, call: { deadline: number }) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const untilMs = performance.now() + timeoutMs
    const { current } = this.#connection
    try {
      return await work(current, { deadline: Date.now() + timeoutMs })
    } catch (error) {
      throw await current.failure(`${what} in the shared store`, error, untilMs - performance.now())
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
