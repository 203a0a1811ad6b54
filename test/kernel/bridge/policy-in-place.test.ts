// What somebody changes in place within the table for policies, so that no number of things in it is another.
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compileEgress } from '../../../sdk/dist/bridge-network/firewall/compiled-egress.js'
import { nameBytes } from '../../../sdk/dist/bridge-network/firewall/policy-chains.js'
import { PolicyTable } from '../../../sdk/dist/bridge-network/firewall/policy-table.js'
import type { NetOutRule } from '../../../sdk/dist/bridge-network/policy/document.js'
import type { EgressPlan } from '../../../sdk/dist/bridge-network/policy/rules.js'
import { sh } from './bridge-fixture.ts'

const name = 'inet conet_placed_policy'
const denied: EgressPlan = { usual: 'deny', denied: [], isDenialFirst: true }
const manyPorts = Array.from({ length: 9 }, (_, at) => ({ start: at * 10, end: at * 10 + 1 }))
const manyNetworks = Array.from({ length: 9 }, (_, at) => `192.0.2.${at * 2}`)

/** Rules that compare, and rules that look up sets. */
const netOut: NetOutRule[] = [
  { protocol: 'tcp', ports: [{ start: 80 }, { start: 5000, end: 6000 }], log: true },
  { protocol: 'udp', ports: manyPorts },
  { networks: manyNetworks },
]

/** What a member of a network with such rules has in the table, for both families. */
function holdingOf(table: PolicyTable, { plan, rules }: { plan: EgressPlan; rules: readonly NetOutRule[] }) {
  const source = { network: plan, netOut: rules, families: [4, 6] as const, logPrefix: 'conet web ' }
  const { chains } = compileEgress({ ...source, table: table.name })
  const led = ([4, 6] as const).flatMap((family) => {
    const policy = chains[family]?.name
    const map = `networks${family}` as const
    return policy === undefined ? [] : [{ map, key: nameBytes('placed0'), value: { policy } }]
  })
  const bridge = { map: 'bridges' as const, key: nameBytes('placed0'), value: undefined }
  return { elements: [bridge, ...led], chains: Object.values(chains) }
}

/** In whatever order its chains and sets were made. */
const listing = () => sh(`nft list table ${name}`).split('\n').toSorted().join('\n')
/** A shell's word for the first chain of a policy that has such a rule. */
const chainWith = (rule: string) =>
  `chain=$(nft list table ${name} | awk '/chain /{chain=$2} /${rule}/ && chain ~ /^policy_/{print chain; exit}')`
/** Puts a rule that `sed` makes of the first that fits in the place of it. */
const replaceRule = (rule: string, edit: string) => `
  ${chainWith(rule)}
  found=$(nft -a list chain ${name} $chain | grep -m 1 '${rule}')
  changed=$(echo "$found" | sed '${edit}; s/# handle.*//')
  nft "replace rule ${name} $chain handle \${found##*handle } $changed"`
const othersCome = () => sh('nft add table inet theirs; nft delete table inet theirs')

const inPlace: [what: string, change: string][] = [
  ['a verdict', replaceRule('tcp dport 80 accept', 's/accept/drop/')],
  ['a port', replaceRule('tcp dport 80 accept', 's/80/81/')],
  [
    'what is in a set to what is not',
    replaceRule('128,32 @policy', 's/@nh,128,32 @policy/ip daddr != @policy/'),
  ],
  ['how often is logged', replaceRule('limit rate 10', 's/rate 10/rate 11/')],
  ['what is logged', replaceRule('log prefix', 's/conet web/conet wob/')],
  ['where the rest goes', replaceRule('goto refuse', 's/goto refuse/accept/')],
  [
    'one rule for another',
    `${chainWith('limit rate')}
     handle=$(nft -a list chain ${name} $chain | sed -n 's/.*tcp dport 80 accept # handle //p')
     nft "delete rule ${name} $chain handle $handle; add rule ${name} $chain tcp dport 82 accept"`,
  ],
  [
    'one address of a set for another',
    `set=$(nft list table ${name} | sed -n 's/.*@nh,128,32 @\\(policy_[^ ]*\\) .*/\\1/p' | head -1)
     nft "delete element ${name} $set { 192.0.2.4 }; add element ${name} $set { 192.0.2.5 }"`,
  ],
  [
    'one port of a set for another',
    `set=$(nft list table ${name} | sed -n 's/.*dport @\\(policy_[^ ]*\\) .*/\\1/p' | head -1)
     box='udp . 0.0.0.0-255.255.255.255'
     nft "delete element ${name} $set { $box . 10-11 }; add element ${name} $set { $box . 10-12 }"`,
  ],
  [
    'the chain that a policy is',
    `number=$(nft list map ${name} policies | grep -o '[0-9a-f:]* : goto policy_[0-9a-f]*' | head -1)
     nft "delete element ${name} policies { \${number%% : *} }; add element ${name} policies { \${number%% : *} : goto allow }"`,
  ],
  ["a base chain's policy", `nft "add chain ${name} forward { policy drop; }"`],
]

/** By who takes the table over, or with what it is told first. */
const isSeenAtOnce = new Set(["a base chain's policy", 'the chain that a policy is'])

let table: PolicyTable
let repairs: number

beforeEach(async () => {
  repairs = 0
  table = new PolicyTable('placed', { mended: () => repairs++ })
  await table.adopt(() => true)
})

afterEach(async () => {
  await table.put('network', { elements: [], chains: [] })
  await table.close()
})

describe('the table for policies', () => {
  it.each(inPlace)('is written anew where somebody has changed %s', async (_, change) => {
    await table.put('network', holdingOf(table, { plan: denied, rules: netOut }))
    const before = listing()
    sh(change)
    expect(listing()).not.toBe(before)
    expect(table.isChanged()).toBe(true)
    expect([...table.damagedOwners()]).toEqual(['network'])
    expect(await table.repair()).toBe(true)
    expect(repairs).toBe(1)
    expect(listing()).toBe(before)
    expect(table.isChanged()).toBe(false)
  })

  it.each(inPlace.filter(([what]) => !isSeenAtOnce.has(what)))(
    'is written anew as soon as it is told what it is to have, where somebody changed %s while nobody watched',
    async (_, change) => {
      const holding = holdingOf(table, { plan: denied, rules: netOut })
      await table.put('network', holding)
      const before = listing()
      const next = new PolicyTable('placed')
      sh(change)
      await next.adopt(() => true)
      await next.put('network', holding)
      expect(next.isChanged()).toBe(true)
      expect(await next.repair()).toBe(true)
      expect(listing()).toBe(before)
      await next.close()
    },
  )

  it('says only who has what was changed', async () => {
    await table.put('network', holdingOf(table, { plan: denied, rules: netOut }))
    const other = { map: 'bridges' as const, key: nameBytes('placed1'), value: undefined }
    await table.put('other', { elements: [other], chains: [] })
    sh(replaceRule('tcp dport 80 accept', 's/accept/drop/'))
    expect([...table.damagedOwners()]).toEqual(['network'])
    await table.put('other', { elements: [], chains: [] })
  })

  it('is not taken for changed when others come and go, whatever its policies say', async () => {
    await fc.assert(
      fc.asyncProperty(plan, fc.array(rule, { maxLength: 12 }), async (plan, rules) => {
        const holding = holdingOf(table, { plan, rules })
        await table.put('network', holding)
        othersCome()
        expect(table.isChanged()).toBe(false)
        await table.close()
        table = new PolicyTable('placed')
        await table.adopt(() => true)
        await table.put('network', holding)
        expect(table.isChanged()).toBe(false)
      }),
      { numRuns: 40 },
    )
  })
})

const octet = fc.integer({ min: 0, max: 255 })
const address = fc.oneof(
  octet.map((last) => `10.0.0.${last}`),
  octet.map((last) => `fd00::${last.toString(16)}`),
)
const ports = fc.array(
  octet.map((start) => ({ start, end: start + 1 })),
  { maxLength: 12 },
)
const outcome = { log: fc.boolean(), action: fc.constantFrom('allow' as const, 'deny' as const) }
const networks = fc.array(address, { maxLength: 12 })
const rule: fc.Arbitrary<NetOutRule> = fc.oneof(
  fc.record({ protocol: fc.constantFrom('tcp' as const, 'udp' as const), networks, ports, ...outcome }),
  fc.record({ networks, ...outcome }),
  fc.record({ protocol: fc.constantFrom('icmp' as const, 'icmpv6' as const), ...outcome }),
)
const plan: fc.Arbitrary<EgressPlan> = fc.constantFrom('allow' as const, 'deny' as const).map((usual) => {
  return { usual, denied: [], isDenialFirst: true }
})
