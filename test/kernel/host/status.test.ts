import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { findingsOf, readMachineFacts } from '@conet/host/status/index'
import { afterEach, describe, expect, it } from 'vitest'
import { network } from '../../unit/host/api/api-fixture.ts'

const nft = (rules: string) => execFileSync('nft', ['-f', '-'], { input: rules })
const baseChain = (chain: string, { hook, policy }: { hook: string; policy: string }) => {
  const table = chain.split(' ').slice(0, 2).join(' ')
  nft(`add table ${table}\nadd chain ${chain} { type filter hook ${hook} priority 0; policy ${policy}; }\n`)
}
const forwarding = (value: string) => writeFileSync('/proc/sys/net/ipv4/ip_forward', value)
const codes = () =>
  findingsOf({
    machine: readMachineFacts(),
    networks: [network],
    endpoints: [],
    drivers: [],
    quarantined: [],
  })
    .filter(({ code }) => code !== 'bridged-packets-filtered')
    .map(({ code, message }) => `${code}: ${message}`)

afterEach(() => {
  nft('flush ruleset')
  forwarding('0')
})

describe('findings about this machine', () => {
  it('are none when it forwards and no rule drops', () => {
    forwarding('1')
    expect(codes()).toEqual([])
  })

  it('say that it does not forward what it is the gateway of, and nothing where it is none', () => {
    expect(codes()).toEqual([])
    const gateway = network.subnets[0]?.gateway
    execFileSync('ip', ['address', 'add', `${gateway}/32`, 'dev', 'lo'])
    expect(codes()).toEqual([expect.stringContaining('ip-forward-off: net.ipv4.ip_forward is 0')])
    execFileSync('ip', ['address', 'del', `${gateway}/32`, 'dev', 'lo'])
  })

  it('name a chain of somebody else that drops what it does not accept, and leave out those that accept', () => {
    forwarding('1')
    baseChain('ip filter FORWARD', { hook: 'forward', policy: 'drop' })
    baseChain('inet conet_bridge forward', { hook: 'forward', policy: 'drop' })
    baseChain('inet mine forward', { hook: 'forward', policy: 'accept' })
    baseChain('inet mine input', { hook: 'input', policy: 'drop' })
    expect(codes()).toEqual([
      expect.stringContaining('forward-policy-drop: chain FORWARD of table ip filter drops'),
    ])
  })
})
