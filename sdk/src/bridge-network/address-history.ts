// Which MAC each address of a network had last: tells whether a neighbour may remember another one, and whether somebody may have
// had the address at all. An announcement is a broadcast, which the kernel copies to every port (7 µs each), so large networks get only
// those that can matter.

/** Up to so many members an announcement costs little, and is always made. */
const fewMembers = 64

/** Older ones are in nobody's neighbour table any more; but flows of theirs may be left. */
const mostRemembered = 65_536

export class AddressHistory {
  readonly #macs = new Map<string, string>()
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
    return addresses.some((address) => this.#macs.has(address))
  }

  /** Remembers the addresses, once they are in use. */
  note(addresses: readonly string[], macAddress: string): void {
    for (const address of addresses) this.#noteOne(address, macAddress)
  }

  #isNews(address: string, macAddress: string): boolean {
    const before = this.#macs.get(address)
    return before === undefined ? !this.#isWhole : before !== macAddress
  }

  #noteOne(address: string, macAddress: string): void {
    this.#macs.delete(address)
    this.#macs.set(address, macAddress)
    const [oldest] = this.#macs.keys()
    if (this.#macs.size <= mostRemembered || oldest === undefined) return
    this.#macs.delete(oldest)
    this.#isForgetful = true
  }
}
