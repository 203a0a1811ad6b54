// The table for policies and ports in the kernel, and what this process knows to be in it. Each change is one transaction of
// what differs, so it costs the same however much there is.

import { KeyedQueue } from '../../keyed-queue.ts'
import { KernelError, Nftables, nftName } from '../../linux/index.ts'
import { NftablesClient } from '../../linux/netfilter/index.ts'
import { PolicyComparison } from './policy-comparison.ts'
import { requestsOf, TableContent, wholeContent } from './policy-content.ts'
import { emptyHolding, type Holding, type TableElement } from './policy-elements.ts'
import {
  type BaseRules,
  baseRulesOf,
  isIntact,
  noBaseRules,
  ownersLacking,
  readContent,
} from './policy-listing.ts'
import { policyTable } from './policy-ruleset.ts'

/** From so many bytes on the kernel is busy for milliseconds. */
const slowBytes = 64 * 1024

/** What an owner is to have, made of what it has. At most one of those that are put at once has policies. */
export type OwnerWish = { readonly owner: string; readonly holding: (before: Holding) => Holding }

export type OwnerChange = { readonly owner: string; readonly before: Holding; readonly after: Holding }

export class PolicyTable {
  readonly name: string
  readonly #client = NftablesClient.open()
  readonly #mended: () => void
  readonly #comparison = new PolicyComparison()
  #content = new TableContent()
  /** One change after the other: a large one waits in a thread. */
  readonly #queue = new KeyedQueue()
  /**
   * The generation that the ruleset has if nobody else has changed anything: the kernel counts one up for each
   * transaction that makes something, and so does this process. NaN, which equals none: unknown.
   */
  #generation = Number.NaN
  #baseRules = noBaseRules
  /** Whether somebody has told what is to be in a chain that was found, and nobody has looked since. */
  #isUncompared = false
  #isThere = false
  #isKeeper = false

  /** `mended`: called when the table was written over what somebody else had made of it. */
  constructor(driverName: string, { mended }: { mended: () => void } = { mended: () => undefined }) {
    this.name = nftName(`conet_${driverName}_policy`)
    this.#mended = mended
  }

  /**
   * Takes over what a former process has left, for the owners that still exist, and writes this version's rules around
   * it, in one transaction: what traffic meets does not change. Answers whether there was a table, and whether it did what it does.
   */
  async adopt(isOwner: (owner: string) => boolean): Promise<boolean> {
    return await this.#queue.run('', async () => {
      this.#isKeeper = true
      this.#read()
      if (!this.#isThere) return false
      const found = this.#baseRules.meaning
      const wasDormant = this.#client.isDormant(this.name)
      this.#writeBase()
      const isSame = !wasDormant && this.#baseRules.meaning === found
      for (const owner of this.#content.owners()) {
        if (!isOwner(owner)) await this.#change([{ owner, after: emptyHolding }])
      }
      return isSame
    })
  }

  /** Another process keeps the table from now on. */
  leave(): void {
    this.#isKeeper = false
  }

  /** Whether an owner has anything there, as far as this process knows. */
  has(owner: string): boolean {
    return this.#content.holdingOf(owner) !== undefined
  }

  /** What an owner has there, as far as this process knows. */
  holdingOf(owner: string): Holding {
    return this.#content.holdingOf(owner) ?? emptyHolding
  }

  /** Whether there is nothing, as far as this process knows. */
  isEmpty(): boolean {
    return this.#content.isEmpty()
  }

  /** All that there is, as far as this process knows. */
  *elements(): Iterable<TableElement> {
    for (const { element } of this.#content.elements()) yield element
  }

  /**
   * What an owner has in the table from now on, instead of what it had; answers what it had. May be repeated: what is
   * there already costs nothing. Throws a KernelError; then all is as before.
   */
  async put(owner: string, holding: Holding): Promise<Holding> {
    const [put] = await this.putAll([{ owner, holding: () => holding }])
    return put?.before ?? emptyHolding
  }

  /** As `put`, of several owners in one step. */
  async putAll(wishes: readonly OwnerWish[]): Promise<OwnerChange[]> {
    return await this.#queue.run('', async () => {
      if (!this.#isKeeper) this.#follow()
      const changes = wishes.map(({ owner, holding }) => {
        const before = this.#content.holdingOf(owner) ?? emptyHolding
        return { owner, before, after: holding(before) }
      })
      await this.#change(changes)
      return changes
    })
  }

  /** Whether somebody else has changed the table. Some microseconds while nobody changes anything in the ruleset. */
  isChanged(): boolean {
    if (!this.#isKeeper || this.#queue.size > 0) return false
    const isSameRuleset = this.#client.generation() === this.#generation && !this.#isUncompared
    return !isSameRuleset && this.#isDamaged()
  }

  /** Whose policies or ports are not in force as they should be, since somebody else has changed the table. */
  damagedOwners(): ReadonlySet<string> {
    if (!this.isChanged()) return new Set()
    const expected = { table: this.name, content: this.#content, comparison: this.#comparison }
    const lacking = ownersLacking(this.#client, expected)
    // What all have in common is damaged, or there is more than should be.
    return lacking.size > 0 ? lacking : new Set(this.#content.owners())
  }

  /** Compares the table with what should be, and writes it anew if it differs: then true. */
  async repair(): Promise<boolean> {
    if (!this.#isKeeper) return false
    return await this.#queue.run('', () => this.#mend())
  }

  async close(): Promise<void> {
    await this.#queue.run('', async () => this.#client.close())
  }

  async #mend(): Promise<boolean> {
    if (!this.#isDamaged()) return false
    await this.#writeWhole()
    this.#mended()
    return true
  }

  /** Where it is not, the next look needs no listing until somebody changes something in the ruleset again. */
  #isDamaged(): boolean {
    // Before the listing: what comes meanwhile is looked at the next time.
    const generation = this.#client.generation()
    if (!this.#isIntact()) return true
    this.#generation = generation
    this.#isUncompared = false
    return false
  }

  #isIntact(): boolean {
    const expected = { table: this.name, content: this.#content, comparison: this.#comparison }
    return isIntact(this.#client, { ...expected, baseRules: this.#baseRules })
  }

  /** Takes what is in the kernel for what should be. */
  #read(): void {
    const found = readContent(this.#client, this.name)
    this.#isThere = found !== undefined
    this.#content = this.#content.readAs(found?.elements ?? [], found?.chains ?? [])
    this.#baseRules = this.#readBase()
    this.#generation = this.#client.generation()
  }

  #follow(): void {
    if (this.#client.generation() !== this.#generation) this.#read()
  }

  async #change(owners: readonly Pick<OwnerChange, 'owner' | 'after'>[]): Promise<void> {
    const chains = owners.flatMap(({ after }) => after.chains)
    if (chains.some(({ name }) => this.#content.isUntold(name))) this.#isUncompared = true
    const changesNow = () => owners.map(({ owner, after }) => this.#content.changeFor(owner, after))
    let changes = changesNow()
    if (changes.every(({ isNothing }) => isNothing)) {
      for (const change of changes) this.#content.commit(change)
      if (this.#isKeeper && this.#client.generation() !== this.#generation) await this.#mend()
      return
    }
    try {
      if (!this.#isThere) this.#writeBase()
      await this.#run(changes.flatMap((change) => requestsOf(change, this.name)))
    } catch (error) {
      if (!KernelError.is(error) || this.#isIntact()) throw error
      // Somebody has taken the table or a part of it away.
      await this.#writeWhole()
      if (!this.#isThere) this.#writeBase()
      changes = changesNow()
      await this.#run(changes.flatMap((change) => requestsOf(change, this.name)))
      this.#mended()
    }
    for (const change of changes) this.#content.commit(change)
    if (this.#content.isEmpty()) this.#delete()
  }

  async #run(requests: ReturnType<typeof requestsOf>): Promise<void> {
    const bytes = requests.reduce((sum, { payload }) => sum + payload.length, 0)
    if (bytes < slowBytes) this.#client.run(requests)
    else await this.#client.runSlow(requests)
    this.#generation += 1
  }

  async #writeWhole(): Promise<void> {
    this.#delete()
    this.#content.forgetUnknown()
    if (this.#content.isEmpty()) return
    this.#writeBase()
    await this.#run(wholeContent(this.#content, this.name))
  }

  #writeBase(): void {
    using nftables = Nftables.open()
    nftables.run(policyTable(this.name), `write table ${this.name}`)
    this.#isThere = true
    this.#baseRules = this.#readBase()
    this.#generation = this.#client.generation()
  }

  #delete(): void {
    using nftables = Nftables.open()
    nftables.run(`add table inet ${this.name}\ndelete table inet ${this.name}\n`, `delete table ${this.name}`)
    this.#isThere = false
    this.#baseRules = noBaseRules
    this.#generation = this.#client.generation()
  }

  #readBase(): BaseRules {
    return baseRulesOf({ chains: this.#client.chains(this.name), rules: this.#client.rules(this.name) })
  }
}
