import { ContestWinners } from '@conet/host/cluster/contest-winners'
import type { SharedMember } from '@conet/host/cluster/records'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const key = fc.constantFrom('one/a', 'one/b', 'two/a', 'two/b', 'three/a')
const member = fc
  .record({ mac: fc.integer({ min: 1, max: 3 }), address: fc.integer({ min: 1, max: 3 }) })
  .map(({ mac, address }): SharedMember => {
    const addresses = [`10.0.0.${address}`]
    return { macAddress: `02:42:00:00:00:0${mac}`, addresses, tunnelAddress: '192.0.2.1', container: 'c' }
  })
const steps = fc.array(fc.tuple(key, fc.option(member, { nil: undefined })), { maxLength: 30 })
const owners = fc.dictionary(
  fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
  fc.constantFrom('one', 'two', 'three'),
)

const claimsOf = ({ macAddress, addresses }: SharedMember) => [macAddress, ...addresses]

/** Plays the steps; `told` is brought up to date with what each step is said to concern, as a driver is. */
function play(
  changes: readonly (readonly [string, SharedMember | undefined])[],
  homes: Record<string, string>,
) {
  const members = new Map<string, SharedMember>()
  const told = new Map<string, SharedMember>()
  const contested = new ContestWinners({
    members: () => members,
    isAtHome: (of, { addresses }) => addresses.some((address) => of.startsWith(`${homes[address]}/`)),
  })
  for (const [changed, after] of changes) {
    const before = members.get(changed)
    if (after === undefined) members.delete(changed)
    else members.set(changed, after)
    for (const concerned of [changed, ...contested.note([{ key: changed, before, after }])]) {
      const now = members.get(concerned)
      if (now !== undefined && contested.counts(concerned, now)) told.set(concerned, now)
      else told.delete(concerned)
    }
  }
  return { members, told, contested }
}

describe('of endpoints that claim one MAC or address', () => {
  it('at most one counts, and whoever claims nothing of another’s does', () => {
    fc.assert(
      fc.property(steps, owners, (changes, homes) => {
        const { members, told, contested } = play(changes, homes)
        const counting = [...members].filter(([of, one]) => contested.counts(of, one))
        expect(told).toEqual(new Map(counting))
        const claims = counting.flatMap(([, one]) => claimsOf(one))
        expect(new Set(claims).size).toBe(claims.length)
        for (const [of, one] of members) {
          const isAlone = [...members].every(
            ([other, its]) => other === of || !claimsOf(its).some((claim) => claimsOf(one).includes(claim)),
          )
          if (isAlone) expect(told.has(of)).toBe(true)
        }
      }),
    )
  })

  it('the one counts that is in a block of its own node', () => {
    const one = { macAddress: 'm', addresses: ['10.0.0.1'], tunnelAddress: '192.0.2.1', container: 'c' }
    const { told } = play(
      [
        ['one/a', one],
        ['two/a', one],
      ],
      { '10.0.0.1': 'two' },
    )
    expect([...told.keys()]).toEqual(['two/a'])
  })
})
