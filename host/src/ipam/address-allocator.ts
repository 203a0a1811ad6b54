// Hands out the addresses of one subnet, in turn. Keeps nothing on record: its user stores each lease and the
// cursor in its own transaction, and gives them back after a restart.
import { ConetError } from '@conet/sdk'
import { type Family, formatAddress, parseAddress, readAddress } from './address.ts'
import { type Interval, intersect, sizeOf } from './block.ts'
import { HeldAddresses } from './held-addresses.ts'
import { type SubnetSpec, type UsableAddresses, usableAddresses } from './subnet.ts'

/** An address and the id of the endpoint that has it. */
export type Lease = { address: string; holder: string }

export type AllocatorRecord = { leases: Iterable<Lease>; cursor?: string }

// Freed addresses beyond this number are handed out again as soon as their turn comes.
const maxResting = 16_384

export class AddressAllocator {
  readonly capacity: bigint
  /** Restored leases that could not be taken over: outside the subnet, or held by another already. */
  readonly rejected: readonly Lease[]
  readonly #spec: SubnetSpec
  readonly #usable: UsableAddresses
  readonly #held = new HeldAddresses()
  // Freed, and not passed by the cursor since: oldest first.
  readonly #resting = new Set<bigint>()
  /** What is handed out in turn, and how much of it nobody holds. */
  #turn: readonly Interval[]
  #free: bigint
  #cursor: bigint | undefined
  #used = 0

  constructor(spec: SubnetSpec, record: AllocatorRecord = { leases: [] }) {
    this.#spec = spec
    this.#usable = usableAddresses(spec)
    this.#turn = this.#usable.dynamic
    this.capacity = sizeOf(this.#turn)
    this.#free = this.capacity
    this.#cursor = record.cursor === undefined ? undefined : parseAddress(record.cursor).value
    this.rejected = [...record.leases].filter((lease) => !this.#restore(lease))
  }

  /** The address last handed out in turn: store it with the lease. */
  get cursor(): string | undefined {
    return this.#cursor === undefined ? undefined : this.#format(this.#cursor)
  }

  /** How many addresses are held of those that are handed out in turn. */
  get used(): number {
    return this.#used
  }

  /** How many addresses could be handed out in turn now. */
  get free(): bigint {
    return this.#free
  }

  /** From now on only addresses in there are handed out in turn. What is held elsewhere stays so. */
  allowOnly(intervals: readonly Interval[]): void {
    this.#turn = intersect(this.#usable.dynamic, intervals)
    this.#free = sizeOf(this.#turn) - BigInt(this.heldIn(this.#turn))
  }

  /** How many addresses in there are held. */
  heldIn(intervals: readonly Interval[]): number {
    return intervals.reduce((sum, { first, last }) => sum + this.#held.countIn(first, last), 0)
  }

  holderOf(address: string): string | undefined {
    const value = this.#valueOf(address)
    return value === undefined ? undefined : this.#held.holderOf(value)
  }

  /**
   * An address for `holder`: the requested one, or the next in turn that is free. Repeating a request is no error.
   * Throws `addressOutOfRange`, `addressInUse` (details.holder) or `addressesExhausted` (details.used, .capacity).
   */
  allocate({ holder, requested }: { holder: string; requested?: string }): string {
    if (requested !== undefined) return this.#allocateRequested(requested, holder)
    const value = this.#nextInTurn()
    if (value === undefined) throw this.#exhausted()
    this.#cursor = value
    this.#hold(value, holder)
    return this.#format(value)
  }

  /** Throws `addressOutOfRange` for one that no endpoint can ever get; another one may be taken all the same. */
  assertRequestable(address: string): void {
    this.#requestable(address)
  }

  /** Gives an address back. False, and nothing done, if that holder does not have it: so it may be repeated. */
  release({ address, holder }: Lease): boolean {
    const value = this.#valueOf(address)
    if (value === undefined || this.#held.holderOf(value) !== holder) return false
    this.#held.remove(value)
    if (isIn(this.#usable.dynamic, value)) {
      this.#used--
      if (isIn(this.#turn, value)) this.#free++
      this.#rest(value)
    }
    return true
  }

  #allocateRequested(requested: string, holder: string): string {
    const value = this.#requestable(requested)
    const other = this.#held.holderOf(value)
    if (other !== undefined && other !== holder) throw this.#inUse(requested, other)
    if (other === undefined) this.#hold(value, holder)
    return this.#format(value)
  }

  #requestable(address: string): bigint {
    const value = this.#valueOf(address)
    if (value === undefined || !isIn(this.#usable.requestable, value)) throw this.#outOfRange(address)
    return value
  }

  #hold(value: bigint, holder: string): void {
    this.#held.add(value, holder)
    this.#resting.delete(value)
    if (isIn(this.#usable.dynamic, value)) this.#used++
    if (isIn(this.#turn, value)) this.#free--
  }

  #rest(value: bigint): void {
    this.#resting.add(value)
    const [oldest] = this.#resting
    if (this.#resting.size > maxResting && oldest !== undefined) this.#resting.delete(oldest)
  }

  #restore({ address, holder }: Lease): boolean {
    const value = this.#valueOf(address)
    if (value === undefined || !isIn([this.#usable.block], value)) return false
    if (this.#held.holderOf(value) !== undefined) return false
    this.#hold(value, holder)
    return true
  }

  #nextInTurn(): bigint | undefined {
    if (this.#free <= 0n) return undefined
    const start = this.#cursor === undefined ? this.#usable.block.first : this.#cursor + 1n
    // The second time round nothing rests any more, so it finds what is free.
    return this.#goRound(start) ?? this.#goRound(start)
  }

  #goRound(start: bigint): bigint | undefined {
    return this.#search(start, this.#usable.block.last) ?? this.#search(this.#usable.block.first, start - 1n)
  }

  #search(first: bigint, last: bigint): bigint | undefined {
    for (const interval of this.#turn) {
      const end = interval.last < last ? interval.last : last
      let from = interval.first > first ? interval.first : first
      while (from <= end) {
        const value = this.#held.firstFree(from, end)
        if (value === undefined) break
        // One that rests is passed over once, and has rested then.
        if (!this.#resting.delete(value)) return value
        from = value + 1n
      }
    }
    return undefined
  }

  #valueOf(address: string): bigint | undefined {
    const parsed = readAddress(address)
    return parsed.ok && parsed.value.family === this.#family ? parsed.value.value : undefined
  }

  #format(value: bigint): string {
    return formatAddress({ family: this.#family, value })
  }

  get #family(): Family {
    return this.#spec.family
  }

  #outOfRange(address: string): ConetError {
    const { subnet, gateway } = this.#spec
    const why =
      address === gateway
        ? `it is the gateway of ${subnet}`
        : `endpoints of ${subnet} do not get this address`
    return new ConetError('addressOutOfRange', `reserve address ${address}: ${why}`, {
      details: { address, subnet },
    })
  }

  #inUse(address: string, holder: string): ConetError {
    return new ConetError('addressInUse', `reserve address ${address}: endpoint ${holder} has it`, {
      details: { address, holder, subnet: this.#spec.subnet },
    })
  }

  #exhausted(): ConetError {
    const { subnet, range } = this.#spec
    const capacity = Number(this.capacity)
    const room = range === undefined ? subnet : `range ${range} of ${subnet}`
    return new ConetError('addressesExhausted', `reserve an address: ${allTaken(capacity, room)}`, {
      details: { subnet, used: this.#used, capacity },
    })
  }
}

function allTaken(capacity: number, room: string): string {
  if (capacity === 0) return `none of ${room} is for endpoints`
  if (capacity === 1) return `the only one of ${room} for endpoints is in use`
  return `all ${capacity} of ${room} are in use`
}

function isIn(intervals: readonly Interval[], value: bigint): boolean {
  return intervals.some(({ first, last }) => first <= value && value <= last)
}
