// Which addresses are held, and by whom. Kept in pages that exist only where something is held, so that a /64
// costs no more than its leases, and a nearly full /16 is searched 32 addresses at a step.

const pageBits = 12n
const pageSize = 1 << Number(pageBits)
const pageMask = BigInt(pageSize - 1)

class Page {
  readonly holders = new Map<number, string>()
  readonly #words = new Uint32Array(pageSize / 32)

  set(index: number, holder: string): void {
    this.holders.set(index, holder)
    this.#words[index >> 5] = this.#word(index >> 5) | (1 << (index & 31))
  }

  clear(index: number): void {
    this.holders.delete(index)
    this.#words[index >> 5] = this.#word(index >> 5) & ~(1 << (index & 31))
  }

  firstFree(from: number, to: number): number | undefined {
    // Bits below `from` do not count in its word, those above `to` are found too late.
    let mask = -1 << (from & 31)
    for (let n = from >> 5; n <= to >> 5; n++) {
      const free = ~this.#word(n) & mask
      if (free !== 0) {
        const index = n * 32 + (31 - Math.clz32(free & -free))
        return index <= to ? index : undefined
      }
      mask = -1
    }
    return undefined
  }

  #word(n: number): number {
    return this.#words[n] ?? 0
  }
}

export class HeldAddresses {
  readonly #pages = new Map<bigint, Page>()

  holderOf(value: bigint): string | undefined {
    return this.#pages.get(value >> pageBits)?.holders.get(indexOf(value))
  }

  add(value: bigint, holder: string): void {
    const key = value >> pageBits
    let page = this.#pages.get(key)
    if (page === undefined) {
      page = new Page()
      this.#pages.set(key, page)
    }
    page.set(indexOf(value), holder)
  }

  remove(value: bigint): void {
    const key = value >> pageBits
    const page = this.#pages.get(key)
    page?.clear(indexOf(value))
    if (page?.holders.size === 0) this.#pages.delete(key)
  }

  /** How many of `first` to `last` are held. */
  countIn(first: bigint, last: bigint): number {
    let count = 0
    for (const [key, page] of this.#pages) {
      const base = key << pageBits
      if (base > last || base + pageMask < first) continue
      if (base >= first && base + pageMask <= last) count += page.holders.size
      else
        for (const index of page.holders.keys()) {
          const value = base + BigInt(index)
          if (first <= value && value <= last) count++
        }
    }
    return count
  }

  /** The lowest address of `first` to `last` that nobody holds. */
  firstFree(first: bigint, last: bigint): bigint | undefined {
    for (let key = first >> pageBits; key <= last >> pageBits; key++) {
      const base = key << pageBits
      const from = base < first ? indexOf(first) : 0
      const to = base + pageMask > last ? indexOf(last) : pageSize - 1
      const page = this.#pages.get(key)
      const index = page === undefined ? from : page.firstFree(from, to)
      if (index !== undefined) return base + BigInt(index)
    }
    return undefined
  }
}

function indexOf(value: bigint): number {
  return Number(value & pageMask)
}
