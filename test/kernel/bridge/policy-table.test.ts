// What the table for policies answers a process that takes it over.
import { expect, it } from 'vitest'
import { nameBytes } from '../../../sdk/dist/bridge-network/firewall/policy-chains.js'
import { PolicyTable } from '../../../sdk/dist/bridge-network/firewall/policy-table.js'
import { sh } from './bridge-fixture.ts'

const table = 'inet conet_lonely_policy'

const replaceRule = (chain: string, from: string, to: string) =>
  `rule=$(nft -a list chain ${table} ${chain} | grep '${from}')
   changed=$(echo "$rule" | sed 's/${from}/${to}/; s/# handle.*//')
   nft "replace rule ${table} ${chain} handle \${rule##*handle } $changed"`

it.each([
  ['nothing', 'true', true],
  ['another table', 'nft add table inet theirs; nft delete table inet theirs', true],
  ['the chain that a rule leads to', replaceRule('forward', 'goto find_policy', 'goto allow'), false],
  ['a verdict', replaceRule('forward', '@peers accept', '@peers drop'), false],
  ['an address', replaceRule('prerouting', '127.0.0.0\\/8', '128.0.0.0\\/8'), false],
  ['whether it is in use', `nft 'add table ${table} { flags dormant; }'`, false],
])(
  'the table is known again by who takes it over, where somebody has changed %s',
  async (_, change, isSame) => {
    const former = new PolicyTable('lonely')
    await former.adopt(() => true)
    const element = { map: 'bridges' as const, key: nameBytes('lonely0'), value: undefined }
    await former.put('network', { elements: [element], chains: [] })
    const rules = sh(`nft list table ${table}`)
    await former.close()
    sh(change)
    const next = new PolicyTable('lonely')
    expect(await next.adopt(() => true)).toBe(isSame)
    expect(sh(`nft list table ${table}`)).toBe(rules)
    await next.put('network', { elements: [], chains: [] })
    await next.close()
  },
)
