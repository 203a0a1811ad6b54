import { spawnSync } from 'node:child_process'
import { type LegacyForwardChain, listLegacyForwardChains, type Namespace } from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'

let fixture: NamespaceFixture
let namespace: Namespace

beforeEach(() => {
  fixture = new NamespaceFixture()
  namespace = fixture.make('a')
})

afterEach(() => fixture[Symbol.dispose]())

const isMissing = spawnSync('iptables-legacy', ['-S']).status !== 0

const chains = () => namespace.run(listLegacyForwardChains)
const words = ({ family, table, rest }: LegacyForwardChain) =>
  `${family} ${table}: ${rest.verdict} by ${rest.by}`
const iptables = (rules: string) => fixture.exec('a', `iptables-legacy ${rules}`)

describe.skipIf(isMissing)('the chain FORWARD of tables of iptables-legacy', () => {
  it('is that of no table where there is none, and none is made by asking', () => {
    expect(chains()).toEqual([])
    expect(fixture.exec('a', 'cat /proc/net/ip_tables_names /proc/net/ip6_tables_names')).toBe('')
  })

  it('has a policy, in each table that has the chain, of IPv4 and of IPv6', () => {
    iptables(
      '-P FORWARD DROP; iptables-legacy -t nat -S; iptables-legacy -t mangle -S; ip6tables-legacy -P FORWARD DROP',
    )
    expect(chains().map(words).toSorted()).toEqual([
      'ip filter: drop by policy',
      'ip mangle: accept by policy',
      'ip6 filter: drop by policy',
    ])
  })

  it.each([
    ['-A FORWARD -j DROP', 'drop by rule'],
    [
      '-A FORWARD -i eth0 -p tcp --dport 80 -j ACCEPT; iptables-legacy -A FORWARD -j REJECT',
      'reject by rule',
    ],
    ['-A FORWARD -m comment --comment all -j DROP', 'drop by rule'],
    ['-A FORWARD -j LOG; iptables-legacy -A FORWARD -j DROP', 'drop by rule'],
    ['-A FORWARD -s 192.0.2.1 -j DROP', 'accept by policy'],
    ['-A FORWARD -m conntrack --ctstate INVALID -j DROP', 'accept by policy'],
    ['-A INPUT -j DROP; iptables-legacy -A OUTPUT -j DROP', 'accept by policy'],
    [
      '-N mine; iptables-legacy -A mine -j DROP; iptables-legacy -A FORWARD -s 192.0.2.1 -j mine',
      'accept by policy',
    ],
    ['-P FORWARD DROP; iptables-legacy -A FORWARD -j ACCEPT', 'accept by rule'],
    ['-N mine; iptables-legacy -A mine -j DROP; iptables-legacy -A FORWARD -j mine', 'drop by rule'],
    ['-N mine; iptables-legacy -A mine -j DROP; iptables-legacy -A FORWARD -g mine', 'drop by rule'],
    [
      '-N mine; iptables-legacy -A FORWARD; iptables-legacy -A FORWARD -j mine; iptables-legacy -A FORWARD -j DROP',
      'drop by rule',
    ],
    [
      '-N mine; iptables-legacy -A FORWARD -g mine; iptables-legacy -A FORWARD -j DROP; iptables-legacy -N other; iptables-legacy -A other -j DROP',
      'accept by policy',
    ],
    ['-A FORWARD -j RETURN; iptables-legacy -A FORWARD -j DROP', 'accept by policy'],
  ])('after iptables-legacy %s: %s', (rules, rest) => {
    iptables(rules)
    expect(chains().map(words)).toEqual([`ip filter: ${rest}`])
  })

  it('of IPv6 ends with its rule for all too, and not with one that asks for something', () => {
    const ip6tables = (rule: string) => fixture.exec('a', `ip6tables-legacy -A FORWARD ${rule}`)
    ip6tables('-s 2001:db8::1 -j DROP')
    expect(chains().map(words)).toEqual(['ip6 filter: accept by policy'])
    ip6tables('-p tcp -j DROP')
    expect(chains().map(words)).toEqual(['ip6 filter: accept by policy'])
    fixture.exec('a', 'ip6tables-legacy -N mine; ip6tables-legacy -A FORWARD -g mine')
    expect(chains().map(words)).toEqual(['ip6 filter: accept by policy'])
    ip6tables('-j DROP')
    expect(chains().map(words)).toEqual(['ip6 filter: accept by policy'])
    fixture.exec('a', 'ip6tables-legacy -A mine -j REJECT')
    expect(chains().map(words)).toEqual(['ip6 filter: reject by rule'])
  })

  it('is read whole with thousands of rules', () => {
    const rules = Array.from({ length: 5_000 }, (_, n) => `-A FORWARD -s 10.${n >> 8}.${n & 255}.1 -j DROP`)
    const text = ['*filter', ...rules, '-A FORWARD -j REJECT', 'COMMIT', ''].join('\n')
    namespace.run(() => spawnSync('iptables-legacy-restore', { input: text }))
    expect(chains().map(words)).toEqual(['ip filter: reject by rule'])
  })
})
