import { ForeignBlocks } from '@conet/host/cluster/foreign-blocks'
import { NetworkGrid } from '@conet/host/cluster/network-grid'
import { whatIsLost } from '@conet/host/cluster/put-claims-back'
import type { SharedMember } from '@conet/host/cluster/records'
import { parseSubnet } from '@conet/host/ipam/index'
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
