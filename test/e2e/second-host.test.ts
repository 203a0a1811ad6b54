// Two hosts on one machine, by mistake: the second one must not take the first one's networks for leftovers.
import { describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { show, showOne } from '../support/iproute.ts'

describe('a second conetd with a bridge driver of its own', () => {
  it('is told that another driver works here, and the first one keeps its networks', async () => {
    await using first = await ConetdFixture.start({ drivers: ['bridge'] })
    await first.client.createNetwork({ type: 'bridge', name: 'blue' })
    // A new bridge says a moment later that it has no carrier.
    await eventually(() => expect(showOne('ip link show type bridge').operstate).toBe('DOWN'))
    const before = show('ip link')
    {
      await using second = await ConetdFixture.start()
      await second.launchDriver('bridge')
      await eventually(async () => {
        const { drivers } = await second.client.listDrivers()
        expect(drivers.find(({ name }) => name === 'bridge')?.last_error?.message).toMatch(
          /another bridge driver \(pid \d+\) works/,
        )
      })
      expect(show('ip link')).toEqual(before)
    }
    await first.client.deleteNetwork('blue')
  })
})
