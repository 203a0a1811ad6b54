// A subnet cut into blocks of one size, of which nodes of a cluster take some each. The last block of a small subnet
// may be the only one.
import { type Address, bitsOf, type Family, formatAddress, parseAddress } from './address.ts'
import { blockAround, type Interval, overlaps, sizeOf } from './block.ts'
import { type SubnetSpec, usableAddresses } from './subnet.ts'

/** Small subnets have small blocks, so that several nodes get some: at most as many addresses as there are blocks. */
export function blockBitsFor(subnets: readonly { readonly subnet: string }[], most: number): number {
  const bits = subnets.map(({ subnet }) => {
    const { family, prefix } = blockAround(subnet)
    return Math.floor((bitsOf(family) - prefix) / 2)
  })
  return Math.min(most, ...bits)
}

export class BlockGrid {
  readonly subnet: string
  /** How many blocks have an address for an endpoint that asks for none; an upper bound where the subnet has holes. */
  readonly count: bigint
  readonly #family: Family
  readonly #first: bigint
  readonly #last: bigint
  readonly #size: bigint
  readonly #dynamic: readonly Interval[]

  constructor(spec: SubnetSpec, blockBits: number) {
    const { block, dynamic } = usableAddresses(spec)
    this.subnet = spec.subnet
    this.#family = spec.family
    this.#first = block.first
    this.#last = block.last
    const whole = block.last - block.first + 1n
    this.#size = min(1n << BigInt(blockBits), whole)
    this.#dynamic = dynamic
    this.count = dynamic.reduce(
      (sum, { first, last }) => sum + this.#indexOf(last) - this.#indexOf(first) + 1n,
      0n,
    )
  }

  /** Addresses of one block, those that no endpoint gets among them. */
  get blockSize(): bigint {
    return this.#size
  }

  /** The name of a block: its first address. */
  nameOf(address: string): string {
    const { value } = parseAddress(address)
    return this.#nameAt(this.#indexOf(value))
  }

  /** As `nameOf`; undefined for an address that is not in the subnet. */
  nameAround({ family, value }: Address): string | undefined {
    const isInside = family === this.#family && this.#first <= value && value <= this.#last
    return isInside ? this.#nameAt(this.#indexOf(value)) : undefined
  }

  intervalOf(name: string): Interval {
    const { family, value: first } = parseAddress(name)
    return { family, first, last: first + this.#size - 1n }
  }

  /**
   * Names of blocks nobody has and in which there is an address to hand out: up to `most` of them, in order. A node that
   * takes one of the first few by chance seldom meets another one, and subnets stay dense.
   */
  free(taken: ReadonlySet<string>, most: number): string[] {
    const found: string[] = []
    for (const { first, last } of this.#dynamic) {
      for (let index = this.#indexOf(first); index <= this.#indexOf(last); index++) {
        if (found.length >= most) return found
        const name = this.#nameAt(index)
        if (!taken.has(name) && found.at(-1) !== name) found.push(name)
      }
    }
    return found
  }

  /** How many addresses of a block are handed out to those who ask for none. */
  capacityOf(name: string): bigint {
    const block = this.intervalOf(name)
    const parts = this.#dynamic.filter((part) => overlaps(part, block))
    return sizeOf(
      parts.map(({ family, first, last }) => ({
        family,
        first: max(first, block.first),
        last: min(last, block.last),
      })),
    )
  }

  #indexOf(value: bigint): bigint {
    return (value - this.#first) / this.#size
  }

  #nameAt(index: bigint): string {
    return formatAddress({ family: this.#family, value: this.#first + index * this.#size })
  }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
