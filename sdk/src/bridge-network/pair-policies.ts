// Policies from container to container: brings the table for policies, and the way between members, to what the documents of a network's
// members say, and ends the flows that they allow no more.
import { KernelError } from '../linux/index.ts'
import { hasFlows } from '../linux/netfilter/index.ts'
import type { PolicyParams } from '../protocol/index.ts'
import { isApart, PairIndex, pairsHolding, pairsIn } from './firewall/pair-elements.ts'
import { differing, emptyHolding, type Holding } from './firewall/policy-elements.ts'
import type { OwnerChange, OwnerWish } from './firewall/policy-table.ts'
import type { FlowReview } from './flow-review.ts'
import type { Machine } from './machine.ts'
import { MemberPairs, type PairingMember } from './member-pairs.ts'
import { pairsOwner } from './names.ts'
import { mendPassage, type Passage, passageFaults, passageOf } from './pair-passage.ts'
import { mergedPairs } from './policy/pairs.ts'

/** A member that goes. */
export type Leaving = {
  readonly networkId: string
  readonly addresses: readonly Buffer[]
  readonly wishes: readonly OwnerWish[]
  /** It stays after all. */
  undo(): void
}

export class PairPolicies {
  readonly #machine: Machine
  readonly #review: () => FlowReview
  readonly #members = new MemberPairs()
  readonly #networks = new Set<string>()
  #settling: Promise<void> | undefined

  constructor(machine: Machine, review: () => FlowReview) {
    this.#machine = machine
    this.#review = review
    machine.unjudged.whenComplete(() => this.#settle())
  }

  /** Undefined: of a network whose members are not kept apart. Answers the way back. */
  join({ network, endpointId }: PolicyParams, member: PairingMember | undefined): () => void {
    if (member === undefined) return () => undefined
    this.#networks.add(network.id)
    return this.#members.set(network.id, endpointId, member)
  }

  /** Undefined where the endpoint is no member of such a network. */
  leave(endpointId: string): Leaving | undefined {
    const networkId = this.#members.networkOf(endpointId)
    const addresses = this.#members.addressesOf(endpointId)
    if (networkId === undefined) return undefined
    const undo = this.#members.set(networkId, endpointId, undefined)
    return { networkId, addresses, wishes: this.wishes(networkId, addresses), undo }
  }

  /** What the network is to have in the table by now; none where there is nothing, and nothing is wanted. `gone`: who left it. */
  wishes(networkId: string, gone: readonly Buffer[] = []): OwnerWish[] {
    const owner = pairsOwner(networkId)
    if (!this.#members.hasEntries(networkId) && !this.#machine.policyTable.has(owner)) return []
    return [{ owner, holding: (before) => this.#holding(networkId, { before, gone }) }]
  }

  /** The table has been changed: so are the way between members, and the flows. Throws a KernelError. */
  async follow(networkId: string, changes: readonly OwnerChange[]): Promise<void> {
    const owner = pairsOwner(networkId)
    const change = changes.find((one) => one.owner === owner)
    if (change === undefined) return
    const { before, after } = change
    const removed = pairsIn(differing(before, after))
    if (removed.length > 0 || differing(after, before).length > 0 || after.elements.length === 0)
      this.mend(networkId)
    if (removed.length === 0 || !hasFlows()) return
    const sources = new Map(removed.map(({ source }) => [source.toString('hex'), source]))
    await this.#review().of([...sources.values()])
  }

  /** As `follow`, where nothing is to be taken back: what fails is made up for later. */
  async followAtLast(networkId: string, changes: readonly OwnerChange[]): Promise<void> {
    try {
      await this.follow(networkId, changes)
    } catch (error) {
      if (!KernelError.is(error)) throw error
      void this.#review().ofAll()
    }
  }

  /** Answers in words what of the way between members was otherwise. May be repeated. */
  mend(networkId: string): string[] {
    this.#networks.add(networkId)
    return mendPassage(this.#machine.rtnl, this.#passage(networkId))
  }

  /** In words. Changes nothing. */
  faults(networkId: string, bridge: number): string[] {
    return passageFaults(this.#machine.rtnl, bridge, this.#passage(networkId))
  }

  /** What is in force between members that are kept apart, of all networks. */
  index(): PairIndex {
    return new PairIndex(pairsIn(this.#machine.policyTable.elements()))
  }

  /** The network is gone. */
  async deleteNetwork(networkId: string): Promise<void> {
    const { policyTable } = this.#machine
    const owner = pairsOwner(networkId)
    this.#networks.delete(networkId)
    this.#members.forgetAll(networkId)
    if (policyTable.has(owner)) await policyTable.put(owner, emptyHolding)
  }

  /** Waits for what is under way. */
  async idle(): Promise<void> {
    await this.#settling
  }

  #passage(networkId: string): Passage {
    const { names, policyTable } = this.#machine
    return passageOf(names.bridge(networkId), policyTable.holdingOf(pairsOwner(networkId)))
  }

  /** Until those who stood as the driver took over have come back, what a former process has left stays: they may want it. */
  #holding(networkId: string, { before, gone }: { before: Holding; gone: readonly Buffer[] }): Holding {
    const isWhole = this.#machine.unjudged.isComplete
    const isWanted = this.#members.hasEntries(networkId) || (!isWhole && before.elements.some(isApart))
    if (!isWanted) return emptyHolding
    const isGone = (address: Buffer) => gone.some((one) => one.equals(address))
    const left = (isWhole ? [] : pairsIn(before.elements)).filter(
      ({ source, destination }) => !isGone(source) && !isGone(destination),
    )
    const pairs = mergedPairs([...left, ...this.#members.pairs(networkId)])
    return pairsHolding(this.#machine.names.bridge(networkId), pairs)
  }

  /** All is known now: what nobody wants goes. */
  #settle(): void {
    this.#settling = this.#settleAll().catch((error: unknown) => {
      const message = `policies between containers that nobody wants may stand: ${error instanceof Error ? error.message : error}`
      this.#machine.host.log({ level: 'error', message })
    })
  }

  async #settleAll(): Promise<void> {
    for (const networkId of this.#networks) {
      const wishes = this.wishes(networkId)
      if (wishes.length > 0)
        await this.followAtLast(networkId, await this.#machine.policyTable.putAll(wishes))
    }
  }
}
