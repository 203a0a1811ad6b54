import {
  AddressAllocator,
  type Lease,
  parseAddress,
  parseSubnet,
  type SubnetInput,
} from '@conet/host/ipam/index'
import { ConetError, type ErrorKind } from '@conet/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** The slow and obvious allocator: walks address by address. */
class Model {
  readonly order: readonly string[]
  readonly held = new Map<string, string>()
  resting = new Set<string>()
  cursor = -1

  constructor(order: readonly string[]) {
    this.order = order
  }

  next(): string | undefined {
    for (let step = 1; step <= 2 * this.order.length; step++) {
      const index = (this.cursor + step) % this.order.length
      const address = this.order[index] ?? ''
      if (this.held.has(address) || this.resting.delete(address)) continue
      this.cursor = index
      return address
    }
    return undefined
  }
}

type Step =
  | { do: 'allocate' }
  | { do: 'request'; pick: number }
  | { do: 'release'; pick: number }
  | { do: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('allocate' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('request' as const), pick: fc.nat(300) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), pick: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

const subnets: SubnetInput[] = [
  { subnet: '10.0.0.0/30' },
  { subnet: '10.0.0.0/28' },
  { subnet: '10.0.15.248/29', gateway: '10.0.15.251' },
  { subnet: '10.0.0.0/19', range: '10.0.15.250-10.0.16.9', exclude: ['10.0.16.0', '10.0.16.3-10.0.16.5'] },
  { subnet: 'fd00::/125' },
  { subnet: 'fd00::/64', range: 'fd00::8:fff8-fd00::9:7', exclude: ['fd00::9:0'] },
]

function kindOf(work: () => unknown): ErrorKind | undefined {
  try {
    work()
  } catch (error) {
    if (ConetError.is(error)) return error.kind
    throw error
  }
  return undefined
}

class Pair {
  readonly model: Model
  #allocator: AddressAllocator
  readonly #input: SubnetInput
  #holders = 0

  constructor(input: SubnetInput) {
    this.#input = input
    this.#allocator = new AddressAllocator(parseSubnet(input))
    const all = new AddressAllocator(parseSubnet(input))
    this.model = new Model(Array.from({ length: Number(all.capacity) }, () => all.allocate({ holder: 'x' })))
  }

  run(next: Step): void {
    if (next.do === 'allocate') this.#allocate()
    else if (next.do === 'request') this.#request(this.model.order[next.pick % this.model.order.length] ?? '')
    else if (next.do === 'release')
      this.#release([...this.model.held][next.pick % (this.model.held.size || 1)])
    else this.#restart()
    expect(this.#allocator.used).toBe(this.model.held.size)
    for (const [address, holder] of this.model.held) expect(this.#allocator.holderOf(address)).toBe(holder)
  }

  #allocate(): void {
    const holder = `e${this.#holders++}`
    const expected = this.model.next()
    if (expected === undefined) {
      expect(kindOf(() => this.#allocator.allocate({ holder }))).toBe('addressesExhausted')
      return
    }
    expect(this.#allocator.allocate({ holder })).toBe(expected)
    this.model.held.set(expected, holder)
  }

  #request(requested: string): void {
    const holder = `e${this.#holders++}`
    if (this.model.held.has(requested)) {
      expect(kindOf(() => this.#allocator.allocate({ holder, requested }))).toBe('addressInUse')
      return
    }
    expect(this.#allocator.allocate({ holder, requested })).toBe(requested)
    this.model.held.set(requested, holder)
    this.model.resting.delete(requested)
  }

  #release(lease: [string, string] | undefined): void {
    if (lease === undefined) return
    const [address, holder] = lease
    expect(this.#allocator.release({ address, holder: 'another' })).toBe(false)
    expect(this.#allocator.release({ address, holder })).toBe(true)
    expect(this.#allocator.release({ address, holder })).toBe(false)
    this.model.held.delete(address)
    this.model.resting.add(address)
  }

  #restart(): void {
    const leases: Lease[] = [...this.model.held].map(([address, holder]) => ({ address, holder }))
    const { cursor } = this.#allocator
    this.#allocator = new AddressAllocator(
      parseSubnet(this.#input),
      cursor === undefined ? { leases } : { leases, cursor },
    )
    expect(this.#allocator.rejected).toEqual([])
    this.model.resting = new Set()
  }
}

describe('address allocator', () => {
  it('does what an allocator that walks address by address does, over releases, requests and restarts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...subnets), fc.array(step, { maxLength: 120 }), (input, steps) => {
        const pair = new Pair(input)
        for (const next of steps) pair.run(next)
      }),
      { numRuns: 600 },
    )
  })

  it('lets a freed address rest until the cursor has passed it, though it lies right ahead', () => {
    const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/29' }))
    allocator.allocate({ holder: 'a', requested: '10.0.0.2' })
    allocator.release({ address: '10.0.0.2', holder: 'a' })
    const next = () => allocator.allocate({ holder: 'b' })
    expect([next(), next(), next(), next(), next()]).toEqual([3, 4, 5, 6, 2].map((byte) => `10.0.0.${byte}`))
  })

  it('gives the same address again when a request is repeated', () => {
    const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/24' }))
    const request = () => allocator.allocate({ holder: 'a', requested: '10.0.0.9' })
    expect([request(), request(), allocator.used]).toEqual(['10.0.0.9', '10.0.0.9', 1])
  })

  it('grants a request outside the range but in the subnet, and never hands such an address out in turn', () => {
    const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/24', range: '10.0.0.8/31' }))
    expect(allocator.allocate({ holder: 'a', requested: '10.0.0.200' })).toBe('10.0.0.200')
    expect([allocator.used, allocator.capacity]).toEqual([0, 2n])
    expect([allocator.allocate({ holder: 'b' }), allocator.allocate({ holder: 'c' })]).toEqual([
      '10.0.0.8',
      '10.0.0.9',
    ])
    expect(allocator.release({ address: '10.0.0.200', holder: 'a' })).toBe(true)
  })

  it('tells conflict, out of range and exhaustion apart, with the facts', () => {
    const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/29', exclude: ['10.0.0.6'] }))
    const ask = (requested: string) => () => allocator.allocate({ holder: 'new', requested })
    allocator.allocate({ holder: 'first' })
    expect(ask('10.0.0.2')).toThrow(
      expect.objectContaining({
        kind: 'addressInUse',
        details: expect.objectContaining({ holder: 'first' }),
      }),
    )
    for (const address of [
      '10.0.0.0',
      '10.0.0.1',
      '10.0.0.6',
      '10.0.0.7',
      '10.0.0.8',
      'fd00::1',
      '::ffff:10.0.0.3',
      'x',
    ]) {
      expect(kindOf(ask(address))).toBe('addressOutOfRange')
    }
    for (const holder of ['b', 'c', 'd']) allocator.allocate({ holder })
    expect(() => allocator.allocate({ holder: 'e' })).toThrow(
      expect.objectContaining({
        kind: 'addressesExhausted',
        message: 'reserve an address: all 4 of 10.0.0.0/29 are in use',
        details: { subnet: '10.0.0.0/29', used: 4, capacity: 4 },
      }),
    )
    const single = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/30' }))
    single.allocate({ holder: 'a' })
    expect(() => single.allocate({ holder: 'b' })).toThrow(
      'reserve an address: the only one of 10.0.0.0/30 for endpoints is in use',
    )
    const range = '10.0.0.5-10.0.0.6'
    const narrow = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/29', range }))
    for (const holder of ['a', 'b']) narrow.allocate({ holder })
    expect(() => narrow.allocate({ holder: 'c' })).toThrow(
      `reserve an address: all 2 of range ${range} of 10.0.0.0/29 are in use`,
    )
  })

  it('reports restored leases that it cannot take over, and keeps the first of two holders', () => {
    const leases = [
      { address: '10.0.0.3', holder: 'a' },
      { address: '10.0.0.3', holder: 'b' },
      { address: '10.9.0.3', holder: 'c' },
    ]
    const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/24' }), { leases })
    expect(allocator.rejected).toEqual(leases.slice(1))
    expect(allocator.holderOf('10.0.0.3')).toBe('a')
  })

  it('hands out only what it may, whatever is held and given back, and all of that', () => {
    const block = fc.integer({ min: 0, max: 15 })
    fc.assert(
      fc.property(fc.uniqueArray(block), fc.uniqueArray(block), (first, then) => {
        const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/24' }))
        const allowed = (blocks: number[]) =>
          blocks.map((n) => ({
            family: 4 as const,
            first: base + BigInt(n * 16),
            last: base + BigInt(n * 16 + 15),
          }))
        const base = parseAddress('10.0.0.0').value
        const sizeOf = (blocks: number[]) =>
          blocks.length * 16 - (blocks.includes(0) ? 2 : 0) - (blocks.includes(15) ? 1 : 0)
        const blockOf = (address: string) => Number(address.split('.')[3]) >> 4
        allocator.allowOnly(allowed(first))
        expect(Number(allocator.free)).toBe(sizeOf(first))
        const held = Array.from({ length: Math.floor(sizeOf(first) / 2) }, () =>
          allocator.allocate({ holder: 'x' }),
        )
        for (const address of held) expect(first).toContain(blockOf(address))
        allocator.allowOnly(allowed(then))
        const stays = held.filter((address) => then.includes(blockOf(address))).length
        expect(Number(allocator.free)).toBe(sizeOf(then) - stays)
        expect(allocator.heldIn(allowed(then))).toBe(stays)
        for (const address of held) allocator.release({ address, holder: 'x' })
        const all = Array.from({ length: sizeOf(then) }, () => allocator.allocate({ holder: 'y' }))
        expect(new Set(all).size).toBe(all.length)
        for (const address of all) expect(then).toContain(blockOf(address))
        expect(kindOf(() => allocator.allocate({ holder: 'y' }))).toBe('addressesExhausted')
      }),
    )
  })

  it('hands out each address of a /16 once, and the last one as well', () => {
    const allocator = new AddressAllocator(parseSubnet({ subnet: '10.0.0.0/16' }))
    const seen = new Set<bigint>()
    for (let n = 0; n < 65_533; n++) seen.add(parseAddress(allocator.allocate({ holder: 'x' })).value)
    expect(seen.size).toBe(65_533)
    expect(kindOf(() => allocator.allocate({ holder: 'x' }))).toBe('addressesExhausted')
    allocator.release({ address: '10.0.77.7', holder: 'x' })
    expect(allocator.allocate({ holder: 'y' })).toBe('10.0.77.7')
  })
})
