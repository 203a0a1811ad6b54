// Policies from container to container: brings the table for policies, and the way between members, to what the documents of a network's
// members say, and ends the flows that they allow no more.
import { KernelError } from '../linux/index.ts'
import { type Flow, hasFlows } from '../linux/netfilter/index.ts'
import type { PolicyParams } from '../protocol/index.ts'
import { apartHolding, pairsHolding, pairsIn } from './firewall/pair-elements.ts'
import { differing, emptyHolding, type Holding } from './firewall/policy-elements.ts'
import type { OwnerChange, OwnerWish } from './firewall/policy-table.ts'
import type { FlowReview } from './flow-review.ts'
import type { Machine } from './machine.ts'
import { pairsOwner } from './names.ts'
import { answerFor, mendPassage, type Passage, passageFaults } from './pair-passage.ts'
import { mergedPairs, type PairMember, PairMembers } from './policy/pairs.ts'

/** A member that came, changed or went. */
export type MemberChange = {
  readonly networkId: string
  /** As it was. */
  readonly former: PairMember | undefined
  readonly member: PairMember | undefined
  /** What is to be in the table now; nothing where there is nothing, and nothing is wanted. */
  readonly wishes: readonly OwnerWish[]
  /** It is as it was. */
  undo(): MemberChange
}

export class PairPolicies {
  readonly #machine: Machine
  readonly #review: () => FlowReview
  readonly #networks = new Map<string, PairMembers>()
  #settling: Promise<void> | undefined

  constructor(machine: Machine, review: () => FlowReview) {
    this.#machine = machine
    this.#review = review
    machine.unjudged.whenComplete(() => this.#settle())
  }

  /** `member` undefined: of a network whose members are not kept apart. */
  join({ network, endpointId }: PolicyParams, member: PairMember | undefined): MemberChange | undefined {
    if (member === undefined) return undefined
    return this.#change(network.id, endpointId, member)
  }

  /** Undefined where the endpoint is no member of such a network. */
  leave(endpointId: string): MemberChange | undefined {
    const own = [...this.#networks].find(([, members]) => members.get(endpointId) !== undefined)
    return own === undefined ? undefined : this.#change(own[0], endpointId, undefined)
  }

  /** The table has been changed: so are the way between members, and the flows. Throws a KernelError. */
  async follow(change: MemberChange, made: readonly OwnerChange[]): Promise<void> {
    const { networkId, former, member } = change
    const owner = pairsOwner(networkId)
    const { rtnl, policyTable } = this.#machine
    if (made.some((one) => one.owner === owner && isOther(one))) this.mend(networkId)
    else if (policyTable.has(owner)) answerFor(rtnl, this.#bridgeOf(networkId), { former, member })
    await this.#cut(made)
  }

  /** As `follow`, where nothing is to be taken back: what fails is made up for later. */
  async followAtLast(change: MemberChange, made: readonly OwnerChange[]): Promise<void> {
    try {
      await this.follow(change, made)
    } catch (error) {
      if (!KernelError.is(error)) throw error
      void this.#review().ofAll()
    }
  }

  /** Answers in words what of the way between members was otherwise. May be repeated. */
  mend(networkId: string): string[] {
    this.#membersOf(networkId)
    return mendPassage(this.#machine.rtnl, this.#passage(networkId))
  }

  /** In words. Changes nothing. */
  faults(networkId: string, bridge: number): string[] {
    return passageFaults(this.#machine.rtnl, bridge, this.#passage(networkId))
  }

  /** Whether a flow between members that are kept apart may be. Nothing is judged before all is known. */
  allows(networkId: string, { original }: Pick<Flow, 'original'>): boolean {
    const { destinationPort: port, ...ends } = original
    return !this.#machine.unjudged.isComplete || this.#membersOf(networkId).allows({ ...ends, port })
  }

  /** The network is gone. */
  async deleteNetwork(networkId: string): Promise<void> {
    const { policyTable } = this.#machine
    const members = this.#membersOf(networkId)
    this.#networks.delete(networkId)
    const owners = [networkId, ...members.names()].map(pairsOwner).filter((owner) => policyTable.has(owner))
    if (owners.length > 0)
      await policyTable.putAll(owners.map((owner) => ({ owner, holding: () => emptyHolding })))
  }

  /** Waits for what is under way. */
  async idle(): Promise<void> {
    await this.#settling
  }

  #change(networkId: string, endpointId: string, member: PairMember | undefined): MemberChange {
    const members = this.#membersOf(networkId)
    const former = members.get(endpointId)
    const concerned = members.set(endpointId, member)
    const gone = member === undefined ? (former?.addresses ?? []) : []
    const wishes = this.#wishes(networkId, { concerned, gone })
    const undo = () => this.#change(networkId, endpointId, former)
    return { networkId, former, member, wishes, undo }
  }

  /** Those of the members that are concerned, and whether members are to be kept apart by the table. */
  #wishes(
    networkId: string,
    { concerned, gone }: { concerned: Iterable<string>; gone: readonly Buffer[] },
  ): OwnerWish[] {
    const owner = pairsOwner(networkId)
    const { policyTable } = this.#machine
    if (!this.#membersOf(networkId).hasEntries() && !policyTable.has(owner)) return []
    const ofNetwork = { owner, holding: (before: Holding) => this.#apartHolding(networkId, before) }
    const ofMembers = [...concerned].map((endpointId) => ({
      owner: pairsOwner(endpointId),
      holding: (before: Holding) => this.#holding({ networkId, endpointId }, { before, gone }),
    }))
    return [ofNetwork, ...ofMembers]
  }

  /** Until those who stood as the driver took over have come back, what a former process has left stays: they may want it. */
  #apartHolding(networkId: string, before: Holding): Holding {
    if (this.#membersOf(networkId).hasEntries()) return apartHolding(this.#bridgeOf(networkId))
    return this.#machine.unjudged.isComplete ? emptyHolding : before
  }

  #holding(
    { networkId, endpointId }: { networkId: string; endpointId: string },
    { before, gone }: { before: Holding; gone: readonly Buffer[] },
  ): Holding {
    const members = this.#membersOf(networkId)
    const isThere = members.get(endpointId) !== undefined
    const left = this.#machine.unjudged.isComplete || !isThere ? [] : pairsIn(before.elements)
    const kept = left.filter(({ destination }) => !gone.some((address) => address.equals(destination)))
    return pairsHolding(mergedPairs([...kept, ...members.pairsFrom(endpointId)]))
  }

  #passage(networkId: string): Passage {
    const { policyTable, unjudged } = this.#machine
    const members = this.#membersOf(networkId)
    const isOpen = policyTable.has(pairsOwner(networkId))
    const all = isOpen ? members.names().flatMap((name) => members.get(name)?.addresses ?? []) : []
    return { bridge: this.#bridgeOf(networkId), isOpen, addresses: all, isWhole: unjudged.isComplete }
  }

  #bridgeOf(networkId: string): string {
    return this.#machine.names.bridge(networkId)
  }

  #membersOf(networkId: string): PairMembers {
    const members = this.#networks.get(networkId) ?? new PairMembers()
    this.#networks.set(networkId, members)
    return members
  }

  /** What was allowed and is no more. */
  async #cut(made: readonly OwnerChange[]): Promise<void> {
    const removed = made.flatMap(({ before, after }) => pairsIn(differing(before, after)))
    if (removed.length === 0 || !hasFlows()) return
    const sources = new Map(removed.map(({ source }) => [source.toString('hex'), source]))
    await this.#review().of([...sources.values()])
  }

  /** All is known now: what nobody wants goes. */
  #settle(): void {
    this.#settling = this.#settleAll().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : error
      const message = `policies between containers that nobody wants may stand: ${why}`
      this.#machine.host.log({ level: 'error', message })
    })
  }

  async #settleAll(): Promise<void> {
    for (const [networkId, members] of this.#networks) {
      const wishes = this.#wishes(networkId, { concerned: members.names(), gone: [] })
      if (wishes.length === 0) continue
      const made = await this.#machine.policyTable.putAll(wishes)
      this.mend(networkId)
      await this.#cut(made)
    }
  }
}

function isOther({ before, after }: OwnerChange): boolean {
  return differing(before, after).length > 0 || differing(after, before).length > 0
}
