import { createHash } from 'node:crypto'
import { PeerDirectory } from '@conet/driver-vxlan/directory'
import { ConetError, type Peer, type PeersBatch } from '@conet/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const idOf = (word: string) => createHash('sha256').update(word).digest('hex')

function peer(word: string, overrides: Partial<Peer> = {}): Peer {
  return {
    endpointId: idOf(word),
    macAddress: '02:42:00:00:00:01',
    addresses: ['10.0.0.1'],
    tunnelAddress: '192.0.2.1',
    ...overrides,
  }
}

type Change = Pick<PeersBatch, 'remove' | 'set'>

function apply(directory: PeerDirectory, { remove = [], set = [] }: Partial<Change>) {
  const planned = directory.plan({ remove, set })
  directory.commit(planned)
  return planned
}

describe('the directory of peers', () => {
  it('says what a batch changes, and nothing of what it does not name', () => {
    const directory = new PeerDirectory()
    apply(directory, {
      set: [peer('a'), peer('b', { macAddress: '02:42:00:00:00:02', addresses: ['10.0.0.2'] })],
    })
    const moved = apply(directory, {
      set: [peer('a', { addresses: ['10.0.0.1', 'fd00::1'], tunnelAddress: '192.0.2.9' })],
    })
    expect([...moved.forwarding]).toEqual([['02:42:00:00:00:01', '192.0.2.9']])
    expect([...moved.neighbours]).toEqual([
      ['10.0.0.1', '02:42:00:00:00:01'],
      ['fd00::1', '02:42:00:00:00:01'],
    ])
    const gone = apply(directory, { remove: [idOf('a'), idOf('nobody')] })
    expect([...gone.forwarding]).toEqual([['02:42:00:00:00:01', undefined]])
    expect([...gone.neighbours]).toEqual([
      ['10.0.0.1', undefined],
      ['fd00::1', undefined],
    ])
    expect(directory.size).toBe(1)
  })

  it('refuses a MAC or an address that two peers would have, and changes nothing', () => {
    const directory = new PeerDirectory()
    apply(directory, { set: [peer('a')] })
    const sameMac = peer('b', { addresses: ['10.0.0.2'] })
    const sameAddress = peer('b', { macAddress: '02:42:00:00:00:02' })
    for (const set of [[sameMac], [sameAddress]]) {
      expect(() => directory.plan({ remove: [], set })).toThrow(expect.objectContaining({ kind: 'conflict' }))
    }
    expect(directory.entries().forwarding.size).toBe(1)
  })

  it('lets one take what another gives up in the same batch, in whatever order', () => {
    const directory = new PeerDirectory()
    const [a, b] = [peer('a'), peer('b', { macAddress: '02:42:00:00:00:02', addresses: ['10.0.0.2'] })]
    apply(directory, { set: [a, b] })
    const swapped = [
      { ...a, macAddress: b.macAddress, addresses: b.addresses },
      { ...b, macAddress: a.macAddress, addresses: a.addresses },
    ]
    expect(apply(directory, { set: swapped }).forwarding.size).toBe(2)
    const heir = apply(directory, {
      remove: [idOf('a')],
      set: [peer('c', { ...b, endpointId: idOf('c'), macAddress: b.macAddress, addresses: ['10.0.0.2'] })],
    })
    expect(heir.forwarding.get(b.macAddress)).toBe('192.0.2.1')
    expect(directory.entries().neighbours.get('10.0.0.2')).toBe(b.macAddress)
  })

  it('[D17] has, after any batches, the entries of exactly those who are in it, and its changes lead there', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd')
    const part = fc.integer({ min: 1, max: 6 })
    const someone = fc
      .record({ word, mac: part, addresses: fc.uniqueArray(part, { maxLength: 2 }), end: part })
      .map(({ word: who, mac, addresses, end }) =>
        peer(who, {
          macAddress: `02:42:00:00:00:0${mac}`,
          addresses: addresses.map((address) => `10.0.0.${address}`),
          tunnelAddress: `192.0.2.${end}`,
        }),
      )
    const batch = fc.record({
      remove: fc.uniqueArray(word.map(idOf), { maxLength: 3 }),
      set: fc.uniqueArray(someone, { maxLength: 4, selector: ({ endpointId }) => endpointId }),
    })
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 12 }), (batches) => {
        const directory = new PeerDirectory()
        const model = new Map<string, Peer>()
        const kernel = { forwarding: new Map<string, string>(), neighbours: new Map<string, string>() }
        for (const one of batches) {
          const next = new Map(model)
          for (const id of one.remove) next.delete(id)
          for (const each of one.set) next.set(each.endpointId, each)
          if (isContradictory([...next.values()])) {
            expect(() => directory.plan(one)).toThrow(ConetError)
            continue
          }
          const { forwarding, neighbours } = apply(directory, one)
          program(kernel.forwarding, forwarding)
          program(kernel.neighbours, neighbours)
          model.clear()
          for (const [id, each] of next) model.set(id, each)
          expect(kernel).toEqual(entriesOf([...model.values()]))
          expect(directory.entries()).toEqual(kernel)
        }
      }),
    )
  })
})

function isContradictory(peers: readonly Peer[]): boolean {
  const claims = peers.flatMap(({ macAddress, addresses }) => [macAddress, ...addresses])
  return new Set(claims).size < claims.length
}

function entriesOf(peers: readonly Peer[]) {
  return {
    forwarding: new Map(peers.map(({ macAddress, tunnelAddress }) => [macAddress, tunnelAddress])),
    neighbours: new Map(
      peers.flatMap(({ macAddress, addresses }) =>
        addresses.map((address): [string, string] => [address, macAddress]),
      ),
    ),
  }
}

function program(table: Map<string, string>, change: ReadonlyMap<string, string | undefined>): void {
  for (const [key, value] of change) {
    if (value === undefined) table.delete(key)
    else table.set(key, value)
  }
}
