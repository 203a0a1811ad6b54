import { describeContested } from '@conet/host/cluster/describe-contested'
import { ForeignBlocks } from '@conet/host/cluster/foreign-blocks'
import { NetworkGrid } from '@conet/host/cluster/network-grid'
import { ClaimsPutBack, whatIsLost } from '@conet/host/cluster/put-claims-back'
import type { SharedMember } from '@conet/host/cluster/records'
import { parseSubnet } from '@conet/host/ipam/index'
import { ConetError } from '@conet/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const names = (of: readonly { block: string }[]) => of.map(({ block }) => block)
const some = fc.uniqueArray(fc.integer({ min: 0, max: 9 }).map((n) => `10.1.0.${n * 16}`))
const blocks = some.map((all) => all.map((block) => ({ block, subnet: '10.1.0.0/24' })))
const before = fc.record({ own: blocks, inUse: blocks, there: some })

describe('the blocks of a node after the store has lost something', () => {
  it('are all in the store and on record when it has done what there is to do, and none beyond', () => {
    fc.assert(
      fc.property(before, ({ own, inUse, there }) => {
        const { restorable, unrecorded, strange } = whatIsLost({ own, inUse, there })
        const inStore = [...there.filter((block) => !strange.includes(block)), ...names(restorable)]
        // One that is restored comes on record then.
        const onRecord = new Set([...names(own), ...names(unrecorded), ...names(restorable)])
        expect(new Set(inStore)).toEqual(onRecord)
        expect(onRecord).toEqual(new Set([...names(own), ...names(inUse)]))
        expect(new Set(inStore).size).toBe(inStore.length)
      }),
    )
  })

  it('are never given back while endpoints have addresses in them, and nothing is left to do after that', () => {
    fc.assert(
      fc.property(before, ({ own, inUse, there }) => {
        const { restorable, unrecorded, strange } = whatIsLost({ own, inUse, there })
        for (const block of strange) expect(names(inUse)).not.toContain(block)
        const after = {
          own: [...new Map([...own, ...unrecorded, ...restorable].map((of) => [of.block, of])).values()],
          inUse,
          there: [...there.filter((block) => !strange.includes(block)), ...names(restorable)],
        }
        expect(whatIsLost(after)).toEqual({ restorable: [], unrecorded: [], strange: [] })
      }),
    )
  })
})

describe('a MAC of an endpoint here that another node has claimed', () => {
  it('is known, and told with its container, until it is claimed or given up', async () => {
    const mac = '02:42:00:00:00:09'
    const owners = new Map([[mac, 'ann']])
    const claim = async (wanted: string) => {
      const node = owners.get(wanted)
      if (node !== undefined) throw new ConetError('addressInUse', 'another has it', { details: { node } })
    }
    const putBack = new ClaimsPutBack({
      networkId: 'blue',
      blocks: { restore: async () => undefined },
      wishes: { ask: async () => undefined, unask: async () => undefined },
      macs: { claim },
      own: { has: () => true, of: () => [], remove: () => undefined },
      keep: () => undefined,
    })
    const run = (macAddresses: string[]) =>
      putBack.run([], { blocks: [], macAddresses }, { condition: { present: 'this node' } })
    expect(await run([mac, '02:42:00:00:00:08'])).toEqual(['another has it'])
    expect([...putBack.lostMacs]).toEqual([[mac, 'ann']])
    const member = { macAddress: mac, addresses: [], tunnelAddress: '192.0.2.3', container: 'web' }
    const told = describeContested({
      network: 'blue',
      node: 'cy',
      grid: new NetworkGrid({ subnets: [], blockBits: 4 }),
      addresses: [],
      foreign: [],
      lostMacs: putBack.lostMacs,
      ownerOf: () => undefined,
      members: new Map([[`cy/${'e'.repeat(64)}`, member]]),
    })
    expect(told).toEqual([
      `MAC ${mac} of network blue: it is node ann’s now, and here web has it (endpoint eeeeeeeeeeee)`,
    ])
    await run([])
    expect(putBack.lostMacs.size).toBe(0)
    await run([mac])
    owners.clear()
    expect(await run([mac])).toEqual([])
    expect(putBack.lostMacs.size).toBe(0)
  })
})

describe('blocks in which endpoints of other nodes have addresses', () => {
  const grid = new NetworkGrid({
    subnets: [parseSubnet({ subnet: '10.1.0.0/24' }), parseSubnet({ subnet: 'fd00::/120' })],
    blockBits: 4,
  })
  const address = fc.oneof(
    fc.integer({ min: 0, max: 255 }).map((n) => `10.1.0.${n}`),
    fc.integer({ min: 0, max: 255 }).map((n) => `fd00::${n.toString(16)}`),
    fc.constant('192.0.2.1'),
  )
  const member = fc.array(address, { maxLength: 3 }).map(
    (addresses): SharedMember => ({
      addresses,
      macAddress: '',
      tunnelAddress: '',
      container: '',
    }),
  )
  const write = fc.record({
    key: fc.tuple(fc.constantFrom('two', 'three'), fc.constantFrom('e1', 'e2', 'e3')).map((p) => p.join('/')),
    after: fc.option(member, { nil: undefined }),
  })

  it('are those of the endpoints that there are, whatever came and went before', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
        const foreign = new ForeignBlocks(grid)
        const members = new Map<string, SharedMember | undefined>()
        for (const { key, after } of writes) {
          foreign.note([{ key, before: members.get(key), after }])
          members.set(key, after)
        }
        const expected = new Map<string, Set<string>>()
        for (const [key, is] of members)
          for (const { block } of grid.blocksOf(is?.addresses ?? []))
            expected.set(block, (expected.get(block) ?? new Set()).add(key.split('/')[0] ?? ''))
        expect(new Set(foreign.names)).toEqual(new Set(expected.keys()))
        for (const [block, nodes] of expected) expect(nodes).toContain(foreign.holderOf(block))
      }),
    )
  })
})
