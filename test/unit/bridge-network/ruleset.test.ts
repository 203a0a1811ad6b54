import { describe, expect, it } from 'vitest'
import { policyOf } from '../../../sdk/dist/bridge-network/firewall/policy.js'
import { changeOf, tableOf, wholeTable } from '../../../sdk/dist/bridge-network/firewall/ruleset.js'

const table = tableOf('bridge')

const policy = (overrides: Partial<Parameters<typeof policyOf>[0]> = {}) =>
  policyOf({ internal: false, icc: true, masquerade: true, hostAccess: true, ...overrides })

describe('the firewall of a network', () => {
  it.each([
    ['usual', {}, ['bridges', 'peers', 'masqueraded']],
    ['routed', { masquerade: false }, ['bridges', 'peers', 'routed']],
    ['icc false', { icc: false }, ['bridges', 'apart', 'masqueraded']],
    ['internal', { internal: true }, ['bridges', 'peers', 'internal']],
    ['without the machine', { hostAccess: false }, ['bridges', 'peers', 'masqueraded', 'hostless']],
    ['internal and routed', { internal: true, masquerade: false }, ['bridges', 'peers', 'internal']],
  ])('%s: the sets that hold its bridge', (_, overrides, expected) => {
    expect(policy(overrides)).toEqual(expected)
  })

  it('is no table at all without networks', () => {
    expect(wholeTable(table, new Map())).toBe('add table inet conet_bridge\ndelete table inet conet_bridge\n')
  })

  it('is written with all its elements, in the place of what is there', () => {
    const text = wholeTable(
      table,
      new Map([
        ['cnb1', policy()],
        ['cnb2', policy({ internal: true })],
      ]),
    )
    expect(text).toMatch(
      /^add table inet conet_bridge\ndelete table inet conet_bridge\ntable inet conet_bridge \{/,
    )
    expect(text).toContain('set bridges { type ifname; elements = { "cnb1", "cnb2" }; }')
    expect(text).toContain(
      'set peers { type ifname . ifname; elements = { "cnb1" . "cnb1", "cnb2" . "cnb2" }; }',
    )
    expect(text).toContain('set routed { type ifname; }')
  })

  it('changes by what differs', () => {
    expect(
      changeOf(table, 'cnb1', { before: policy(), after: policy({ masquerade: false }) }).split('\n'),
    ).toEqual([
      'add element inet conet_bridge routed { "cnb1" }',
      'delete element inet conet_bridge masqueraded { "cnb1" }',
    ])
    expect(
      changeOf(table, 'cnb1', { before: undefined, after: policy({ icc: false }) }).split('\n'),
    ).toHaveLength(3)
    expect(changeOf(table, 'cnb1', { before: policy(), after: undefined })).not.toContain('add')
  })
})
