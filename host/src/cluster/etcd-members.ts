// Which members of etcd are asked. The client takes any of them for each call, also one that it has just found dead: of
// several, those that have failed are left out for a while, and who has not been heard of lately is tried out first.
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { deadline } from '@conet/sdk'
import { BrokenCircuitError, type IDefaultPolicyContext, type IPolicy, NoopPolicy } from 'cockatiel'
import { GRPCDeadlineExceededError } from 'etcd3'
import { Backoff } from '../retry/backoff.ts'
import { isUnreachable } from './etcd-errors.ts'

/** Who has answered so lately is asked at once. */
const freshMs = 2_000
const mostTryMs = 500
const leftOut = { firstMs: 2_000, mostMs: 60_000 }

export class EtcdMembers {
  readonly #members = new Map<string, Member>()

  /** Of the member at this URL, for the client's `faultHandling.host`. */
  policyOf(url: string): IPolicy {
    const member = new Member(new URL(url))
    this.#members.set(url, member)
    return new MemberPolicy(member, () => this.#isOnlyHope(member))
  }

  /** One of them was lost just now, and it is not known which: all are tried out before they are asked again. */
  doubt(): void {
    for (const member of this.#members.values()) member.doubt()
  }

  /** None of the others is any better: what it says then is what there is to be told. */
  #isOnlyHope(member: Member): boolean {
    return [...this.#members.values()].every((other) => other === member || other.isAway)
  }
}

class Member {
  readonly #place: { readonly host: string; readonly port: number }
  readonly #backoff = new Backoff(leftOut)
  #awayUntil = Number.NEGATIVE_INFINITY
  #answeredAt = Number.NEGATIVE_INFINITY

  constructor({ hostname, port }: URL) {
    this.#place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
  }

  get isAway(): boolean {
    return performance.now() < this.#awayUntil
  }

  answered(): void {
    this.#backoff.reset()
    this.#awayUntil = Number.NEGATIVE_INFINITY
    this.#answeredAt = performance.now()
  }

  failed(): void {
    this.#awayUntil = performance.now() + this.#backoff.nextMs()
    this.doubt()
  }

  doubt(): void {
    this.#answeredAt = Number.NEGATIVE_INFINITY
  }

  /** A call that finds nobody costs its caller the call: to see whether somebody listens costs a packet and its answer. */
  async listens(): Promise<boolean> {
    if (performance.now() - this.#answeredAt < freshMs) return true
    using limit = deadline(mostTryMs, 'reach a member of etcd')
    const socket = connect(this.#place)
    try {
      await once(socket, 'connect', { signal: limit.signal })
      return true
    } catch {
      this.failed()
      return false
    } finally {
      socket.on('error', () => undefined).destroy()
    }
  }
}

class MemberPolicy extends NoopPolicy {
  readonly #member: Member
  readonly #isOnlyHope: () => boolean

  constructor(member: Member, isOnlyHope: () => boolean) {
    super()
    this.#member = member
    this.#isOnlyHope = isOnlyHope
  }

  /** Throws `BrokenCircuitError`, by which the client goes on to the next member, with nothing asked. */
  override async execute<T>(
    work: (context: IDefaultPolicyContext) => PromiseLike<T> | T,
    signal?: AbortSignal,
  ): Promise<T> {
    if (!(await this.#isWorthAsking())) throw new BrokenCircuitError()
    try {
      const answer = await super.execute(work, signal)
      // A stream is there at once, whether anybody answers or not.
      if (!(answer instanceof EventEmitter)) this.#member.answered()
      return answer
    } catch (error) {
      if (isUnreachable(error) || error instanceof GRPCDeadlineExceededError) this.#member.failed()
      throw error
    }
  }

  async #isWorthAsking(): Promise<boolean> {
    if (this.#isOnlyHope()) return true
    return !this.#member.isAway && ((await this.#member.listens()) || this.#isOnlyHope())
  }
}
