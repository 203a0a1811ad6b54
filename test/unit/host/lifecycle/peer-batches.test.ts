import { peerBatches } from '@conet/host/lifecycle/peer-batches'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const id = (n: number) => String(n).padStart(64, '0')
const entry = (n: number) => ({
  endpointId: id(n),
  macAddress: '02:42:0a:01:00:07',
  addresses: ['10.1.0.7', 'fd00:1::7'],
  tunnelAddress: '192.0.2.3',
  container: `c${n}`,
})

describe('a difference of a directory in batches', () => {
  it('is complete, in order, each batch on the one before and small enough for the driver', () => {
    const some = fc.nat({ max: 60 })
    fc.assert(
      fc.property(
        some,
        some,
        fc.constantFrom(null, '7'),
        fc.integer({ min: 2048, max: 8192 }),
        (out, set, base, most) => {
          const difference = {
            base,
            version: '9',
            remove: Array.from({ length: out }, (_, n) => id(n)),
            set: Array.from({ length: set }, (_, n) => entry(n)),
          }
          const batches = [...peerBatches(difference, most)]
          expect(batches.flatMap(({ remove }) => remove)).toEqual(difference.remove)
          expect(batches.flatMap((batch) => batch.set.map(({ endpointId }) => endpointId))).toEqual(
            difference.set.map(({ endpointId }) => endpointId),
          )
          expect(batches.map((batch) => batch.base)).toEqual([
            base,
            ...batches.slice(0, -1).map(({ version }) => version),
          ])
          expect(new Set(batches.map(({ version }) => version)).size).toBe(batches.length)
          expect(batches.at(-1)).toMatchObject({ version: '9', more: false })
          for (const batch of batches.slice(0, -1)) expect(batch.more).toBe(base === null)
          for (const batch of batches) expect(JSON.stringify(batch).length).toBeLessThan(most)
        },
      ),
    )
  })

  it('says nothing of containers', () => {
    const [batch] = peerBatches({ base: null, version: '9', remove: [], set: [entry(1)] }, 65_536)
    expect(batch?.set[0]).not.toHaveProperty('container')
  })
})
