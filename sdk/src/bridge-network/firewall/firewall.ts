// The driver's table in the kernel: brings it to what the networks need, and back to it when somebody else
// has changed or flushed it. It knows bridges by name and nothing of links.
import { KernelError, Nftables } from '../../linux/index.ts'
import { type Listing, readListing } from './listing.ts'
import type { Policies, Policy } from './policy.ts'
import { changeOf, tableOf, wholeTable } from './ruleset.ts'

export class Firewall implements Disposable {
  readonly #nftables = Nftables.open()
  readonly #table: string
  readonly #mended: () => void
  readonly #policies = new Map<string, Policy>()
  /** The chains and rules as the kernel gave them back when this process wrote them. */
  #rules = ''
  /** Whether the table is this process's to keep; else another one keeps it, and this one goes by what it reads. */
  #isKeeper = false

  /** `mended`: called when the table was written over what somebody else had made of it. */
  constructor(driverName: string, { mended }: { mended: () => void }) {
    this.#table = tableOf(driverName)
    this.#mended = mended
  }

  /**
   * Takes over what a former process has left, for the bridges that still exist, and writes this version's rules
   * around it: in one transaction, so traffic meets the one or the other. Answers whether the rules were there, and did what they do.
   */
  adopt(isBridge: (name: string) => boolean): boolean {
    this.#policies.clear()
    const found = this.#read()
    for (const [bridge, policy] of found?.policies ?? []) {
      if (isBridge(bridge)) this.#policies.set(bridge, policy)
    }
    this.#writeWhole(this.#policies)
    this.#isKeeper = true
    return found?.rules === this.#rules
  }

  /** Whether it is to do anything with the bridge, as far as this process knows. */
  knows(bridge: string): boolean {
    return this.#policies.has(bridge)
  }

  /** Another process keeps the table from now on. */
  leave(): void {
    this.#isKeeper = false
  }

  /** What the firewall is to do with a bridge. May be repeated. */
  set(bridge: string, policy: Policy): void {
    this.#change(bridge, policy)
  }

  /** Forgets a bridge. May be repeated. */
  delete(bridge: string): void {
    this.#change(bridge, undefined)
  }

  /** Whether the firewall does this with the bridge, as far as this process has been told. */
  has(bridge: string, policy: Policy): boolean {
    return isSame(this.#policies.get(bridge), policy)
  }

  /** Whether the table in the kernel is another than it should be. 0.3 ms. */
  isChanged(): boolean {
    return this.#isKeeper && !this.#isIntact(this.#read())
  }

  /** Compares the table in the kernel with what should be, and writes it anew if it differs: then true. 0.3 ms. */
  repair(): boolean {
    if (!this.#isKeeper) this.#follow()
    if (!this.isChanged()) return false
    this.#writeWhole(this.#policies)
    this.#mended()
    return true
  }

  close(): void {
    this.#nftables.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Takes the table for what it should be. */
  #follow(): void {
    const listing = this.#read()
    this.#policies.clear()
    for (const [bridge, policy] of listing?.policies ?? []) this.#policies.set(bridge, policy)
    this.#rules = listing?.rules ?? ''
  }

  #change(bridge: string, after: Policy | undefined): void {
    if (!this.#isKeeper) this.#follow()
    const before = this.#policies.get(bridge)
    if (isSame(before, after)) return
    const policies = new Map(this.#policies)
    if (after === undefined) policies.delete(bridge)
    else policies.set(bridge, after)
    const isFirstOrLast = this.#policies.size === 0 || policies.size === 0
    // The change of an element is refused where somebody has taken the table or the element away.
    const isIntact = this.#isIntact(this.#read())
    if (isFirstOrLast || !isIntact) this.#writeWhole(policies)
    else
      this.#nftables.run(changeOf(this.#table, bridge, { before, after }), `set the firewall for ${bridge}`)
    if (after === undefined) this.#policies.delete(bridge)
    else this.#policies.set(bridge, after)
    // Or somebody has emptied a set before this process was there.
    if (!isIntact || (this.#isKeeper && before !== undefined && after !== undefined)) this.#mended()
  }

  #writeWhole(policies: Policies): void {
    this.#nftables.run(wholeTable(this.#table, policies), `write table ${this.#table}`)
    this.#rules = this.#read()?.rules ?? ''
  }

  #isIntact(listing: Listing | undefined): boolean {
    if (listing === undefined) return this.#policies.size === 0
    if (listing.hasStrays || listing.rules !== this.#rules) return false
    if (listing.policies.size !== this.#policies.size) return false
    return [...this.#policies].every(([bridge, policy]) => isSame(listing.policies.get(bridge), policy))
  }

  #read(): Listing | undefined {
    try {
      return readListing(this.#nftables.list(`table ${this.#table}`))
    } catch (error) {
      if (KernelError.is(error, 'ENOENT')) return undefined
      throw error
    }
  }
}

function isSame(one: Policy | undefined, other: Policy | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.length === other.length && one.every((name, index) => name === other[index])
}
