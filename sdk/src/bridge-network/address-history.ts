// Which MAC each address of a network had last: tells whether a neighbour may remember another one, and whether somebody may have
// had the address at all. An announcement is a broadcast, which the kernel copies to every port (7 µs each), so large networks get only
// those that can matter.

/** Up to so many members an announcement costs little, and is always made. */
const fewMembers = 64

/** So many at least are remembered. Older ones are in nobody's neighbour table any more; but flows of theirs may be left. */
const fewestRemembered = 65_536

export class AddressHistory {
  /** In two halves: who would forget the oldest one alone would have to look for it, among all that were deleted. */
  #recent = new Map<string, string>()
  #older = new Map<string, string>()
  readonly #isWhole: boolean
  #isForgetful = false

  /**
   * `isWhole`: the network began in this process's life, so an address that is not remembered was never used, until
   * there were too many.
   */
  constructor({ isWhole }: { isWhole: boolean }) {
    this.#isWhole = isWhole
  }

  /** Whether the addresses are to be announced to so many members. Changes nothing. */
  mayMatter(
    addresses: readonly string[],
    { macAddress, members }: { macAddress: string; members: number },
  ): boolean {
    return members <= fewMembers || addresses.some((address) => this.#isNews(address, macAddress))
  }

  /** Whether somebody may have had one of the addresses before. */
  mayBeUsed(addresses: readonly string[]): boolean {
    if (!this.#isWhole || this.#isForgetful) return true
    return addresses.some((address) => this.#macOf(address) !== undefined)
  }

  /** Remembers the addresses, once they are in use. */
  note(addresses: readonly string[], macAddress: string): void {
    for (const address of addresses) this.#recent.set(address, macAddress)
    if (this.#recent.size < fewestRemembered) return
    if (this.#older.size > 0) this.#isForgetful = true
    this.#older = this.#recent
    this.#recent = new Map()
  }

  #macOf(address: string): string | undefined {
    return this.#recent.get(address) ?? this.#older.get(address)
  }

  #isNews(address: string, macAddress: string): boolean {
    const before = this.#macOf(address)
    return before === undefined ? !this.#isWhole : before !== macAddress
  }
}
