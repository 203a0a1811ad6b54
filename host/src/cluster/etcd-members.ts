// Which member of etcd is asked: one, for as long as it answers. Who has not been heard of lately must show first that it
// is there; if it does not at once, all are asked for that side by side, and the first to answer is asked from then on.
import type { Etcd3 } from 'etcd3'
import { Backoff } from '../retry/backoff.ts'
import { isAnswer, isUnreachable } from './etcd-errors.ts'
import { within } from './within.ts'

/** Who has answered so lately is asked at once. */
const freshMs = 1_000
/** So long the one that was asked until now, and those that are not put aside, are waited for alone. */
const aheadMs = 500
const answerMs = 2_000
const aside = { firstMs: 2_000, mostMs: 60_000 }

export class EtcdMembers {
  readonly #members: readonly EtcdMember[]
  #chosen: EtcdMember | undefined
  #choosing: Promise<EtcdMember> | undefined

  /** `clients`: of one member each, of which there is one at least. */
  constructor(clients: readonly Etcd3[]) {
    this.#members = clients.map((client) => new EtcdMember(client))
  }

  /** One that answers, if one does so in that time. Where there is but one, that is it. */
  async choose(withinMs: number): Promise<EtcdMember> {
    if (this.#members.length === 1) return this.#likeliest()
    if (this.#chosen?.isFresh) return this.#chosen
    this.#choosing ??= this.#first().finally(() => {
      this.#choosing = undefined
    })
    return (await within(withinMs, this.#choosing)) ?? this.#likeliest()
  }

  close(): void {
    for (const { client } of this.#members) client.close()
  }

  async #first(): Promise<EtcdMember> {
    const asked: Promise<EtcdMember>[] = []
    for (const some of this.#inTurn()) {
      asked.push(...some.map((member) => member.answer()))
      const found = await within(aheadMs, Promise.any(asked)).catch(() => undefined)
      if (found !== undefined) return this.#choose(found)
    }
    return this.#choose(await Promise.any(asked).catch(() => this.#likeliest()))
  }

  /** The one that was asked until now, then the others, last those that are put aside; those before are still waited for. */
  #inTurn(): EtcdMember[][] {
    const isReady = (member: EtcdMember) => !member.isAside
    const first = this.#members.filter((member) => member === this.#chosen && isReady(member))
    const others = this.#members.filter((member) => member !== this.#chosen && isReady(member))
    const last = this.#members.filter((member) => member.isAside)
    return [first, others, last].filter((members) => members.length > 0)
  }

  #choose(member: EtcdMember): EtcdMember {
    this.#chosen = member
    return member
  }

  /** None answers: one that says why is better than one that says nothing. */
  #likeliest(): EtcdMember {
    const found = this.#members.find(({ isRefusing }) => isRefusing) ?? this.#chosen ?? this.#members[0]
    if (found === undefined) throw new Error('an etcd has one member at least')
    return found
  }
}

export class EtcdMember {
  readonly client: Etcd3
  readonly #backoff = new Backoff(aside)
  #asideUntil = Number.NEGATIVE_INFINITY
  #answeredAt = Number.NEGATIVE_INFINITY
  #isRefusing = false
  #asked: Promise<EtcdMember> | undefined

  constructor(client: Etcd3) {
    this.client = client
  }

  get isFresh(): boolean {
    return !this.isAside && performance.now() - this.#answeredAt < freshMs
  }

  /** A call of it was not answered, whatever it says of itself since. */
  get isAside(): boolean {
    return performance.now() < this.#asideUntil
  }

  /** It could not be reached when it was last asked whether it is there, and said so at once. */
  get isRefusing(): boolean {
    return this.#isRefusing
  }

  /** A call was. */
  answered(): void {
    this.#backoff.reset()
    this.#asideUntil = Number.NEGATIVE_INFINITY
    this.#answeredAt = performance.now()
  }

  /** A call was not, or a stream has broken off. */
  failed(): void {
    this.#asideUntil = performance.now() + this.#backoff.nextMs()
  }

  /** This one, when it shows that it is there. Rejects when it does not, or has no leader. */
  answer(): Promise<EtcdMember> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined
    })
    return this.#asked
  }

  async #ask(): Promise<EtcdMember> {
    this.#isRefusing = false
    try {
      const { leader } = await this.client.maintenance.status({ deadline: Date.now() + answerMs })
      if (Number(leader) === 0) throw new Error('a member of etcd has no leader')
    } catch (error) {
      // Etcd that refuses this host has answered.
      if (!isAnswer(error)) {
        this.#isRefusing = isUnreachable(error)
        throw error
      }
    }
    this.#answeredAt = performance.now()
    return this
  }
}
