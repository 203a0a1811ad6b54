// The shared store in etcd 3.4 or later. No policy of the client's retries or shuts anything off: who asks has a
// deadline and knows what to do. Sources: etcd API reference v3.4 (api_reference_v3.md), sections KV, Watch, Lease.
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { ConetError } from '@conet/sdk'
import { noop } from 'cockatiel'
import { Etcd3, type IOptions } from 'etcd3'
import { CertificateLook, type Trusted } from './certificate-look.ts'
import { certificateError, clusterError, isUnreachable } from './etcd-errors.ts'
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
  Watching,
} from './shared-store.ts'
import { withoutVerification } from './unverified-tls.ts'

export type EtcdOptions = {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[]
  readonly tls?: EtcdTls
  readonly user?: { readonly name: string; readonly password: string }
  /** For calls that name no other time. */
  readonly timeoutMs?: number
}

/** Without a file of CAs those that Node knows are trusted. */
export type EtcdTls = {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** Whoever answers is taken for etcd, whatever certificate it shows. */
  readonly skipsVerification?: boolean
}

const defaultTimeoutMs = 3_000
/** Entries of one answer: a few hundred bytes each. */
const pageSize = 2_000

export class EtcdStore implements SharedStore {
  readonly #client: Etcd3
  readonly #connected: Connected
  readonly #timeoutMs: number
  /** Undefined: no certificates are looked at. */
  readonly #certificates: CertificateLook | undefined
  #revision = 0
  #written = 0

  constructor(options: EtcdOptions) {
    const isLax = options.tls?.skipsVerification === true
    const connect = () => new Etcd3(clientOptions(options))
    this.#client = isLax ? withoutVerification(connect) : connect()
    const { endpoints } = options
    this.#connected = {
      client: this.#client,
      endpoints,
      failure: (what, cause) => this.#failure(what, cause),
    }
    if (options.tls !== undefined && !isLax)
      this.#certificates = new CertificateLook(endpoints, trustedBy(options.tls))
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
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
    const { kvs, header } = await this.#call(`read ${key}`, limits, (call) =>
      this.#client.kv.range({ key: Buffer.from(key) }, call),
    )
    this.#note(header)
    return kvs.map(entryOf)[0]
  }

  async list(prefix: string, limits: CallLimits = {}): Promise<{ entries: SharedEntry[]; revision: number }> {
    const entries: SharedEntry[] = []
    let revision = 0
    for (let range = rangeOf(prefix), isWhole = false; !isWhole; ) {
      const page = await this.#call(`list ${prefix}`, limits, (call) =>
        this.#client.kv.range({ ...range, limit: pageSize, revision }, call),
      )
      revision ||= this.#note(page.header)
      entries.push(...page.kvs.map(entryOf))
      isWhole = !page.more
      range = { ...range, key: after(entries.at(-1)?.key ?? prefix) }
    }
    return { entries, revision }
  }

  async count(prefix: string, limits: CallLimits = {}): Promise<number> {
    const { count } = await this.#call(`count ${prefix}`, limits, (call) =>
      this.#client.kv.range({ ...rangeOf(prefix), count_only: true }, call),
    )
    return Number(count)
  }

  async commit(
    conditions: readonly Condition[],
    changes: readonly SharedChange[],
    limits: CallLimits = {},
  ): Promise<CommitResult> {
    const request = { compare: conditions.map(compareOf), success: changes.map(requestOf) }
    const { succeeded, header } = await this.#call('commit', limits, (call) =>
      this.#client.kv.txn(request, call),
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
    return watchPrefix(this.#connected, prefix, { ...watching, changed })
  }

  holdLease(ttlSeconds: number, signal: AbortSignal): Promise<Lease> {
    return holdLease(this.#connected, { ttlSeconds, signal, timeoutMs: this.#timeoutMs })
  }

  async grantLease(ttlSeconds: number, limits: CallLimits = {}): Promise<string> {
    const wish = { TTL: ttlSeconds }
    const { ID } = await this.#call('take a lease', limits, (call) =>
      this.#client.leaseClient.leaseGrant(wish, call),
    )
    return ID
  }

  close(): void {
    this.#client.close()
  }

  #note({ revision }: { revision: string | number }): number {
    this.#revision = Math.max(this.#revision, Number(revision))
    return Number(revision)
  }

  async #call<T>(
    what: string,
    { signal, timeoutMs = this.#timeoutMs }: CallLimits,
    work: (call: { deadline: number }) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const untilMs = performance.now() + timeoutMs
    try {
      return await work({ deadline: Date.now() + timeoutMs })
    } catch (error) {
      throw await this.#failure(`${what} in the shared store`, error, untilMs - performance.now())
    }
  }

  /** Why it failed is looked for no longer than the call may take. */
  async #failure(what: string, cause: unknown, withinMs?: number): Promise<ConetError> {
    const { endpoints } = this.#connected
    const fault = isUnreachable(cause) ? await this.#certificates?.fault(withinMs) : undefined
    return fault === undefined
      ? clusterError(what, endpoints, cause)
      : certificateError(what, endpoints, fault)
  }
}

function clientOptions({ endpoints, tls, user }: EtcdOptions): IOptions {
  const scheme = tls === undefined ? 'http' : 'https'
  return {
    hosts: endpoints.map((endpoint) => `${scheme}://${endpoint}`),
    ...(tls && { credentials: credentialsOf(tls) }),
    ...(user && { auth: { username: user.name, password: user.password } }),
    grpcOptions: {
      // A member that is cut off answers no more: the stream of a watch ends after these two times.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3_000,
      'grpc.max_receive_message_length': -1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
    },
    faultHandling: { global: noop, host: () => noop },
  }
}

function credentialsOf(tls: EtcdTls): NonNullable<IOptions['credentials']> {
  const { ca, cert, key } = trustedBy(tls)
  return {
    rootCertificate: ca,
    ...(cert !== undefined && { certChain: cert }),
    ...(key !== undefined && { privateKey: key }),
  }
}

function trustedBy({ caFile, certFile, keyFile }: EtcdTls): Trusted {
  return {
    ca: caFile === undefined ? Buffer.from(rootCertificates.join('\n')) : readFileSync(caFile),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
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
