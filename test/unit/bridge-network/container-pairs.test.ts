import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairsHolding, pairsIn } from '../../../sdk/dist/bridge-network/firewall/pair-elements.js'
import { pairMember } from '../../../sdk/dist/bridge-network/pair-member.js'
import { checkPolicy } from '../../../sdk/dist/bridge-network/policy/check.js'
import type { ContainerPolicy } from '../../../sdk/dist/bridge-network/policy/document.js'
import {
  type Pair,
  type PairMember,
  PairMembers,
  pairKey,
} from '../../../sdk/dist/bridge-network/policy/pairs.js'

const id = fc.constantFrom('a', 'b', 'c', 'group', 'nobody')
const port = fc.integer({ min: 1, max: 12 })
const entry: fc.Arbitrary<ContainerPolicy> = fc.record({
  source: fc.record({ id }),
  destination: fc.record({
    id,
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    ports: fc
      .tuple(port, port)
      .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other) })),
  }),
})
type Change = { readonly name: string; readonly member: PairMember | undefined }

/** Members come, change and go; each has an address of its own, and some one of IPv6 too. */
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc
    .record({
      at: fc.integer({ min: 1, max: 4 }),
      isThere: fc.boolean(),
      ids: fc.array(id, { minLength: 1, maxLength: 3 }),
      hasIpv6: fc.boolean(),
      entries: fc.array(entry, { maxLength: 4 }),
    })
    .map(({ at, isThere, ids, hasIpv6, entries }) => {
      const ipv6 = Buffer.from([...Array<number>(15).fill(0), at])
      const addresses = [Buffer.from([10, 0, 0, at]), ...(hasIpv6 ? [ipv6] : [])]
      const member = { ids, addresses, entries, text: entries.length === 0 ? '' : JSON.stringify(entries) }
      return { name: `member ${at}`, member: isThere ? member : undefined }
    }),
  { maxLength: 8 },
)

const numbers = { tcp: 6, udp: 17 } as const

function isMeant(
  entries: readonly ContainerPolicy[],
  { from, to, protocol, at }: { from: PairMember; to: PairMember; protocol: number; at: number },
): boolean {
  return entries.some(
    ({ source, destination }) =>
      from.ids.includes(source.id) &&
      to.ids.includes(destination.id) &&
      numbers[destination.protocol] === protocol &&
      destination.ports.start <= at &&
      at <= destination.ports.end,
  )
}

function touch(one: Pair, other: Pair): boolean {
  return (
    one !== other &&
    pairKey(one) === pairKey(other) &&
    one.ports.start <= other.ports.end + 1 &&
    other.ports.start <= one.ports.end + 1
  )
}

describe('policies from container to container', () => {
  it('allow what an entry of any says between those whom it means, and nothing else, whoever comes and goes', () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const known = new PairMembers()
        const told = new Map<string, Pair[]>()
        for (const { name, member } of steps) {
          // As a driver does: it asks again for those only that are concerned.
          for (const one of known.set(name, member))
            told.set(one, pairsIn(pairsHolding(known.pairsFrom(one)).elements))
        }
        const all = known.names().flatMap((name) => known.get(name) ?? [])
        const entries = all.flatMap((member) => member.entries)
        const pairs = [...told.values()].flat()
        for (const [from, to] of all.flatMap((one) => all.map((other) => [one, other] as const))) {
          for (const [family, source] of from.addresses.entries()) {
            const destination = to.addresses[family]
            if (destination === undefined) continue
            for (const protocol of [6, 17]) {
              const key = pairKey({ source, destination, protocol })
              const own = pairs.filter((pair) => pairKey(pair) === key)
              for (let at = 0; at <= 13; at++) {
                const isAllowed = from !== to && isMeant(entries, { from, to, protocol, at })
                expect(own.some(({ ports }) => ports.start <= at && at <= ports.end)).toBe(isAllowed)
                expect(known.allows({ source, destination, protocol, port: at })).toBe(isAllowed)
              }
            }
          }
        }
        // A set of the kernel takes none that overlap.
        expect(pairs.filter((one) => pairs.some((other) => touch(one, other)))).toEqual([])
      }),
    )
  })

  it('mean a container by its handle, and by its group in properties and labels', () => {
    const ids = (labels: Record<string, string>, config: Record<string, unknown>) => {
      const container = { handle: 'web', labels, config }
      const { ids: all } = pairMember(
        {
          container,
          interface: { name: 'e', macAddress: '', addresses: [], defaultRoute: true, routes: [] },
        },
        [],
      )
      return all
    }
    expect(ids({}, {})).toEqual(['web'])
    expect(ids({ policy_group_id: 'g' }, {})).toEqual(['web', 'g'])
    expect(ids({}, { properties: { app_id: 'g', space_id: 's' } })).toEqual(['web', 'g'])
    expect(ids({}, { properties: { 'network.policy_group_id': 'g' } })).toEqual(['web', 'g'])
    expect(ids({}, { properties: { policy_group_id: 7, app_id: '' } })).toEqual(['web'])
    expect(ids({}, { properties: 'none' })).toEqual(['web'])
  })

  it('are refused with the name of the field', () => {
    const good = {
      source: { id: 'a' },
      destination: { id: 'b', protocol: 'tcp', ports: { start: 1, end: 2 } },
    }
    const bad = (change: object) => ({ policies: [good, { ...good, ...change }] })
    const to = (change: object) => bad({ destination: { ...good.destination, ...change } })
    checkPolicy({ policies: [good] })
    for (const [policy, path] of [
      [bad({ source: {} }), 'policy.policies.1.source'],
      [bad({ source: { id: '' } }), 'policy.policies.1.source.id'],
      [bad({ source: { id: 'a', tag: '0001' } }), 'policy.policies.1.source'],
      [to({ protocol: 'icmp' }), 'policy.policies.1.destination.protocol'],
      [to({ ports: { start: 0, end: 2 } }), 'policy.policies.1.destination.ports.start'],
      [to({ ports: { start: 1, end: 65_536 } }), 'policy.policies.1.destination.ports.end'],
      [to({ ports: { start: 1 } }), 'policy.policies.1.destination.ports'],
      [to({ ports: { start: 3, end: 2 } }), 'policy.policies[1].destination.ports'],
    ] as const) {
      expect(() => checkPolicy(policy), JSON.stringify(policy)).toThrow(
        expect.objectContaining({
          fields: [expect.objectContaining({ path: expect.stringContaining(path) })],
        }),
      )
    }
  })

  it('are refused where members of a network are on several hosts', () => {
    const policies = [
      { source: { id: 'a' }, destination: { id: 'b', protocol: 'tcp', ports: { start: 1, end: 2 } } },
    ]
    expect(() => checkPolicy({ policies }, { spansHosts: true })).toThrow('policy.policies cannot be given')
    checkPolicy({ policies: [] }, { spansHosts: true })
  })
})
