// Ranges of ports that become others in one transaction: the kernel refuses elements that overlap.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pairsHolding } from '../../../sdk/dist/bridge-network/firewall/pair-elements.js'
import { emptyHolding } from '../../../sdk/dist/bridge-network/firewall/policy-elements.js'
import { PolicyTable } from '../../../sdk/dist/bridge-network/firewall/policy-table.js'
import { mergedPairs, type Pair } from '../../../sdk/dist/bridge-network/policy/pairs.js'
import { sh } from './bridge-fixture.ts'

const port = fc.integer({ min: 1, max: 9 })
const address = (last: number, length: 4 | 16) =>
  Buffer.from([10, ...Array<number>(length - 2).fill(0), last])
const pair: fc.Arbitrary<Pair> = fc
  .record({
    length: fc.constantFrom(4 as const, 16 as const),
    ends: fc.constantFrom([1, 2] as const, [2, 1] as const),
    protocol: fc.constantFrom(6, 17),
    ports: fc.tuple(port, port),
  })
  .map(({ length, ends: [from, to], protocol, ports: [one, other] }) => ({
    source: address(from, length),
    destination: address(to, length),
    protocol,
    ports: { start: Math.min(one, other), end: Math.max(one, other) },
  }))

it('what members may send each other becomes whatever else it is to be, and is found so again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(pair, { maxLength: 12 }), { minLength: 2, maxLength: 6 }),
      async (steps) => {
        const table = new PolicyTable('pairs')
        await table.adopt(() => true)
        for (const pairs of steps) {
          await table.put('pairs', pairsHolding(mergedPairs(pairs)))
          // Of another process, which looks at it all.
          const other = new PolicyTable('pairs')
          await other.adopt(() => true)
          const texts = (holding: typeof emptyHolding) =>
            holding.elements
              .map(({ map, key, keyEnd }) => [map, key.toString('hex'), keyEnd?.toString('hex')].join(' '))
              .toSorted()
          expect(texts(other.holdingOf('pairs'))).toEqual(texts(table.holdingOf('pairs')))
          expect(await other.repair()).toBe(false)
          await other.close()
        }
        await table.adopt(() => true)
        await table.put('pairs', emptyHolding)
        await table.close()
        expect(sh('nft list tables')).not.toContain('conet_pairs')
      },
    ),
    { numRuns: 30 },
  )
})
