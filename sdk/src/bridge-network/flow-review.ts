// Judges flows that began unjudged: while somebody had taken the tables away, or before their endpoint had rules. The kernel lets
// an established flow go on, whatever the rules say by then.
import type { Rtnl } from '../linux/index.ts'
import type { Conntrack, Flow, FlowFilter } from '../linux/netfilter/index.ts'
import { addressesOf, cutOver, type MappedPort } from './flow-cuts.ts'
import { fewOrAll, ofFamily } from './flow-looks.ts'
import type { Machine } from './machine.ts'
import { type Member, MemberFlows, type MemberParams, type PeerRules } from './member-flows.ts'
import { SharedLook } from './shared-look.ts'
import { tellConnectionEnds } from './tell-connection-ends.ts'

type ReviewOptions = {
  readonly machine: { readonly rtnl: Pick<Rtnl, 'addresses'>; readonly host: Machine['host'] }
  readonly conntrack: () => Pick<Conntrack, 'cut'>
  /** All ports of the machine that lead to an endpoint. */
  readonly ports: () => readonly MappedPort[]
  /** What members that are kept apart may send each other. */
  readonly pairs: PeerRules
}

/** Those of an address, or all. */
type Wish = Uint8Array | 'all'

/** After a look that failed; each further time twice as long. */
const firstRetryMs = 1_000
const longestRetryMs = 60_000

/** Which endpoints there are, and the looks for their flows. Owns a timer while a look is owed; close it when done. */
export class FlowReview {
  readonly #options: ReviewOptions
  readonly #members = new Map<string, MemberParams>()
  readonly #look = new SharedLook<Wish>((wishes) => this.#judge(wishes))
  /** There while a look at all flows is owed. */
  #retry: NodeJS.Timeout | undefined
  #retryMs = firstRetryMs
  #isClosed = false

  constructor(options: ReviewOptions) {
    this.#options = options
  }

  /** What an endpoint may do from now on. Answers the way back to what it might do before. */
  know(endpointId: string, member: MemberParams): () => void {
    const former = this.#members.get(endpointId)
    this.#members.set(endpointId, member)
    return () => {
      if (former === undefined) this.#members.delete(endpointId)
      else this.#members.set(endpointId, former)
    }
  }

  knows(endpointId: string): boolean {
    return this.#members.has(endpointId)
  }

  forget(endpointId: string): void {
    this.#members.delete(endpointId)
  }

  /** Ends what is not allowed of flows that begin at one of the addresses. Throws a KernelError. */
  of(addresses: readonly Uint8Array[]): Promise<void> {
    return addresses.length === 0 ? Promise.resolve() : this.#look.join(addresses)
  }

  /**
   * Ends what is not allowed of all flows from and to endpoints, and what goes past the ports of the machine. Does not fail: a look that
   * fails is said, and made again until one has succeeded.
   */
  async ofAll(): Promise<void> {
    try {
      await this.#look.join(['all'])
      this.#settle()
    } catch (error) {
      this.#owe(error)
    }
  }

  /** Owes nothing any more, and waits for the look under way. May be repeated. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    await this.#look.idle()
  }

  #settle(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    if (this.#retryMs > firstRetryMs) this.#tell('info', 'flows that began unjudged were judged')
    this.#retryMs = firstRetryMs
  }

  /** Once for all whom the look was for. */
  #owe(error: unknown): void {
    if (this.#retry !== undefined || this.#isClosed) return
    if (this.#retryMs === firstRetryMs) {
      const why = error instanceof Error ? error.message : error
      this.#tell('error', `flows that began unjudged go on until a look for them succeeds: ${why}`)
    }
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      void this.ofAll()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
  }

  #tell(level: 'info' | 'error', message: string): void {
    this.#options.machine.host.log({ level, message })
  }

  async #judge(wishes: readonly Wish[]): Promise<void> {
    const { machine, conntrack, ports, pairs } = this.#options
    const near = { machine: addressesOf(machine.rtnl), pairs }
    const rules = new MemberFlows(this.#members.values(), near)
    const isForbidden = (flow: Flow) => !rules.isAllowed(flow)
    const tellEnds = (flows: readonly Flow[]) => this.#tellEnds(flows, rules)
    for (const filter of filtersOf(wishes)) await conntrack().cut(filter, isForbidden, tellEnds)
    if (wishes.includes('all')) await cutOver(conntrack(), machine.rtnl, ports())
  }

  async #tellEnds(flows: readonly Flow[], rules: MemberFlows): Promise<void> {
    const byMember = new Map<Member, Flow[]>()
    for (const flow of flows) {
      const { sender, receiver } = rules.endsOf(flow)
      const end = sender ?? receiver
      if (end === undefined) continue
      const others = byMember.get(end)
      if (others === undefined) byMember.set(end, [flow])
      else others.push(flow)
    }
    for (const [end, own] of byMember) await tellConnectionEnds(this.#options.machine.host, own, end)
  }
}

function filtersOf(wishes: readonly Wish[]): FlowFilter[] {
  const addresses = wishes.filter((wish) => wish !== 'all')
  const isAll = addresses.length < wishes.length
  return ([4, 6] as const).flatMap((family): FlowFilter[] => {
    if (isAll) return [{ family }]
    return fewOrAll(ofFamily(family, addresses), (source) => [{ source }]).map((one) => ({ family, ...one }))
  })
}
