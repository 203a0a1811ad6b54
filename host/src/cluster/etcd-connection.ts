// The client of etcd. While etcd refuses this host it is asked again and again whether it still does, and the files that
// say who this host is are read again. What has changed is shown by a new client: the one before it keeps what it was made
// with for as long as it lives. Each member has a client of its own: the library would take any of them for a call, also
// one that has just failed.
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ConetError } from '@conet/sdk'
import { noop } from 'cockatiel'
import { Etcd3, type IOptions, type ITxnRequest } from 'etcd3'
import { Backoff } from '../retry/backoff.ts'
import { CertificateLook } from './certificate-look.ts'
import {
  certificateError,
  clusterError,
  isAnswer,
  isRefusal,
  isUnreachable,
  unreadableError,
} from './etcd-errors.ts'
import { checkPassword, checkTls } from './etcd-files.ts'
import { type EtcdIdentity, type EtcdOptions, readIdentity } from './etcd-identity.ts'
import { EtcdMembers } from './etcd-members.ts'
import { type AskedKey, type Connected, compareOf, rangeOf, requestOf } from './etcd-requests.ts'
import { root } from './keys.ts'
import type { StoreRefusal } from './shared-store.ts'
import { withTrust } from './tls-credentials.ts'

type Current = {
  readonly identity: EtcdIdentity
  readonly members: EtcdMembers
  readonly certificates: CertificateLook
  readonly replaced: AbortController
}

type Failure = {
  readonly what: string | AskedKey
  readonly cause: unknown
  readonly withinMs?: number | undefined
}

/** Etcd looks at once whether all of it is allowed. What is written is nothing: no record has this key. */
const readOrWrite: ITxnRequest = {
  compare: [compareOf({ present: root })],
  success: [requestOf({ put: root, value: '' })],
  failure: [{ request_range: { ...rangeOf(root), count_only: true } }],
}

const againMs = { firstMs: 500, mostMs: 15_000 }
const askMs = 3_000
const authenticateMs = 3_000

export class EtcdConnection {
  readonly #options: EtcdOptions
  readonly #told: (refusal: StoreRefusal | undefined) => void
  readonly #ending = new AbortController()
  #current: Current
  #refusal: StoreRefusal | undefined
  /** What is wrong with what the files hold now: until that is mended nothing else is worth telling. */
  #unfit: ConetError | undefined

  /** `told` hears when etcd begins to refuse this host, and when it takes it again. Throws what the reading of a file throws. */
  constructor(options: EtcdOptions, told: (refusal: StoreRefusal | undefined) => void) {
    this.#options = options
    this.#told = told
    this.#current = connect(options, readIdentity(options))
  }

  /** For one call, watch or lease: the next may have another client. A member that answers is looked for in that time. */
  async choose(withinMs: number): Promise<Connected> {
    const current = this.#current
    const member = await current.members.choose(withinMs)
    return {
      client: member.client,
      options: this.#options,
      replaced: current.replaced.signal,
      answered: () => member.answered(),
      failure: (what, cause, withinMs) => {
        if (!isAnswer(cause)) member.failed()
        return this.#failure(current, { what, cause, withinMs })
      },
    }
  }

  get refusal(): StoreRefusal | undefined {
    return this.#refusal
  }

  close(): void {
    this.#ending.abort()
    this.#current.members.close()
  }

  async #failure(current: Current, { what, cause, withinMs }: Failure): Promise<ConetError> {
    const fault = isUnreachable(cause) ? await current.certificates.fault(withinMs) : undefined
    const error =
      fault === undefined
        ? clusterError(what, this.#options, cause)
        : certificateError(what, this.#options, fault)
    // What was made with other files says nothing of those that count now.
    const isOfNow = current === this.#current
    const isRefused = isRefusal(cause) || fault?.of === 'etcd' || fault?.of === 'host'
    if (isOfNow && isRefused) this.#refused(this.#unfit ?? error)
    return error
  }

  #refused(error: ConetError): void {
    const isNew = this.#refusal === undefined
    this.#refusal = { since: this.#refusal?.since ?? new Date(), error }
    if (!isNew || this.#ending.signal.aborted) return
    this.#told(this.#refusal)
    void this.#untilTaken(this.#ending.signal)
  }

  async #untilTaken(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(againMs)
    while (this.#refusal !== undefined) {
      await sleep(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      if (this.#readAgain()) await this.#ask()
    }
    this.#told(undefined)
  }

  /** False: what is in the files now is nothing to show. */
  #readAgain(): boolean {
    try {
      const { tls = {}, user } = this.#options
      checkTls(tls)
      if (user !== undefined && 'passwordFile' in user) checkPassword(user.passwordFile)
      const identity = readIdentity(this.#options)
      this.#unfit = undefined
      if (isDeepStrictEqual(identity, this.#current.identity)) return true
      const before = this.#current
      this.#current = connect(this.#options, identity)
      before.replaced.abort()
      before.members.close()
      return true
    } catch (cause) {
      this.#unfit = unreadableError(this.#options, cause)
      this.#refused(this.#unfit)
      return false
    }
  }

  /** Streams that were there before go on whatever etcd thinks of this host now: what counts is a new call. */
  async #ask(): Promise<void> {
    const { client, failure } = await this.choose(askMs / 2)
    try {
      await client.kv.txn(readOrWrite, { deadline: Date.now() + askMs })
      this.#refusal = undefined
    } catch (error) {
      this.#refused(await failure('ask whether this host may read and write the shared store', error))
    }
  }
}

function connect(options: EtcdOptions, identity: EtcdIdentity): Current {
  const { trusted } = identity
  const trust = trusted && { ...trusted, skipsVerification: options.tls?.skipsVerification === true }
  const connectAll = () =>
    new EtcdMembers(
      options.endpoints.map((endpoint) => new Etcd3(clientOptions(options, identity, endpoint))),
    )
  return {
    identity,
    members: trust === undefined ? connectAll() : withTrust(trust, connectAll),
    certificates: new CertificateLook(options.endpoints, trust),
    replaced: new AbortController(),
  }
}

function clientOptions(
  { timeoutMs = authenticateMs }: EtcdOptions,
  { trusted, user }: EtcdIdentity,
  endpoint: string,
): IOptions {
  const scheme = trusted === undefined ? 'http' : 'https'
  return {
    hosts: `${scheme}://${endpoint}`,
    ...(trusted && { credentials: credentialsOf(trusted) }),
    ...(user && {
      auth: {
        username: user.name,
        password: user.password,
        callOptions: () => ({ deadline: Date.now() + timeoutMs }),
      },
    }),
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

function credentialsOf({
  ca,
  cert,
  key,
}: NonNullable<EtcdIdentity['trusted']>): NonNullable<IOptions['credentials']> {
  return {
    rootCertificate: ca,
    ...(cert !== undefined && { certChain: cert }),
    ...(key !== undefined && { privateKey: key }),
  }
}
