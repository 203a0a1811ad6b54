import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { findingsOf, MachineReader } from '@conet/host/status/index'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { network } from '../../unit/host/api/api-fixture.ts'

const machine = new MachineReader()

const nft = (rules: string) => execFileSync('nft', ['-f', '-'], { input: rules })
const baseChain = (chain: string, { hook, policy }: { hook: string; policy: string }) => {
  const table = chain.split(' ').slice(0, 2).join(' ')
  nft(`add table ${table}\nadd chain ${chain} { type filter hook ${hook} priority 0; policy ${policy}; }\n`)
}
const forwarding = (value: string) => writeFileSync('/proc/sys/net/ipv4/ip_forward', value)
const codes = async () =>
  findingsOf({
    ...(await machine.read()),
    networks: [network],
    troubledNetworks: [],
    unplugged: [],
    endpoints: [],
    drivers: [],
    withoutProgram: new Set(),
    strays: [],
    quarantined: [],
    portPool: { start: 61_001, size: 4_534 },
    forsaken: [],
    lostSandboxes: [],
    unreadableDowns: [],
    unused: [],
    now: new Date(),
  })
    .filter(({ code }) => code !== 'bridged-packets-filtered')
    .map(({ code, message }) => `${code}: ${message}`)

afterEach(() => {
  nft('flush ruleset')
  forwarding('0')
})
afterAll(() => machine.close())

describe('findings about this machine', () => {
  it('are none when it forwards and no rule drops', async () => {
    forwarding('1')
    expect(await codes()).toEqual([])
  })

  it('say that it does not forward what it is the gateway of, and nothing where it is none', async () => {
    expect(await codes()).toEqual([])
    const gateway = network.subnets[0]?.gateway
    execFileSync('ip', ['address', 'add', `${gateway}/32`, 'dev', 'lo'])
    expect(await codes()).toEqual([expect.stringContaining('ip-forward-off: net.ipv4.ip_forward is 0')])
    execFileSync('ip', ['address', 'del', `${gateway}/32`, 'dev', 'lo'])
  })

  it('name a chain of somebody else that drops what it does not accept, and leave out those that accept', async () => {
    forwarding('1')
    baseChain('ip filter FORWARD', { hook: 'forward', policy: 'drop' })
    baseChain('inet conet_bridge forward', { hook: 'forward', policy: 'drop' })
    baseChain('inet mine forward', { hook: 'forward', policy: 'accept' })
    baseChain('inet mine input', { hook: 'input', policy: 'drop' })
    expect(await codes()).toEqual([
      expect.stringContaining('forward-policy-drop: chain FORWARD of table ip filter drops'),
    ])
  })

  it.each([
    ['ip', 'drop', 'drops forwarded packets that no rule of it accepts (a rule without conditions: drop)'],
    ['inet', 'counter log reject', 'rejects forwarded packets that no rule of it accepts'],
    ['ip6', 'counter drop comment "all"', 'drops forwarded'],
    ['ip', 'reject', 'rejects forwarded packets that no rule of it accepts'],
    [
      'ip6',
      'reject with icmpv6 type admin-prohibited',
      'rejects forwarded packets that no rule of it accepts',
    ],
    ['inet', 'meta nfproto ipv6 reject', 'rejects forwarded packets of IPv6 that no rule of it accepts'],
    ['inet', 'reject with icmp type host-unreachable', 'rejects forwarded packets of IPv4 that no rule'],
  ])(
    'name a chain of family %s with policy accept that ends with the rule %s',
    async (family, rule, words) => {
      forwarding('1')
      baseChain(`${family} mine forward`, { hook: 'forward', policy: 'accept' })
      nft(
        `add rule ${family} mine forward ct state established accept\nadd rule ${family} mine forward ${rule}\n`,
      )
      expect(await codes()).toEqual([
        expect.stringContaining(`chain forward of table ${family} mine ${words}`),
      ])
    },
  )

  it.each([
    ['jump last', 'drop', 'forwarded packets that no rule'],
    ['counter jump last', 'meta nfproto ipv6 counter reject', 'forwarded packets of IPv6 that no rule'],
    ['goto last', 'goto further', 'forwarded packets that no rule'],
    ['meta nfproto ipv4 jump last', 'drop', 'forwarded packets of IPv4 that no rule'],
  ])('name a chain that leads by %s to a rule %s', async (rule, last, words) => {
    forwarding('1')
    baseChain('inet mine forward', { hook: 'forward', policy: 'accept' })
    nft('table inet mine { chain further { drop; }; chain last { }; }')
    nft(`add rule inet mine last ${last}\nadd rule inet mine forward ${rule}\n`)
    expect(await codes()).toEqual([expect.stringContaining(words)])
  })

  it('name it where iptables-nft has made that rule', async () => {
    forwarding('1')
    execFileSync('iptables-nft', ['-A', 'FORWARD', '-j', 'REJECT'])
    expect(await codes()).toEqual([
      expect.stringContaining('chain FORWARD of table ip filter rejects forwarded packets'),
    ])
  })

  it.each([
    'ct state invalid drop',
    'iifname "eth7" reject',
    'reject with tcp reset',
    'limit rate 1/second drop',
    'counter',
    'jump other',
  ])(
    'are none of a chain with policy accept and the rule %s, nor of one that accepts before it drops',
    async (rule) => {
      forwarding('1')
      baseChain('ip mine forward', { hook: 'forward', policy: 'accept' })
      nft(`add chain ip mine other\nadd rule ip mine forward ${rule}\n`)
      baseChain('ip second forward', { hook: 'forward', policy: 'drop' })
      nft('add rule ip second forward counter accept\nadd rule ip second forward drop\n')
      baseChain('inet third forward', { hook: 'forward', policy: 'drop' })
      nft(
        'table inet third { chain every { ct state invalid drop; accept; }; chain none { return; drop; }; }',
      )
      nft('add rule inet third forward jump none\nadd rule inet third forward goto every\n')
      expect(await codes()).toEqual([])
    },
  )
})

describe('routes that lead addresses of a subnet elsewhere', () => {
  const sh = (commands: string) => execFileSync('sh', ['-ec', commands])
  const strays = async () =>
    (await machine.read()).machine.strayRoutes
      .map(({ gateway, destination, interfaceName }) => `${gateway}: ${destination} ${interfaceName}`)
      .toSorted()

  afterAll(() => sh('ip link delete home'))

  it('are longer than its own, or come before it; others, and those of its own interface, are none', async () => {
    sh(`ip link add home type veth peer name away; ip link set home up; ip link set away up
      ip address add 10.7.0.1/24 dev home; ip address add fd07::1/64 dev home nodad; ip address add 10.8.0.1/24 dev away
      ip route add 10.7.0.0/16 dev away; ip route add 10.7.0.9/32 dev home; ip route add 10.7.0.0/24 dev away metric 9
      ip -6 route add fd07::/64 dev away metric 300; ip -6 route add fd07::/48 dev away`)
    expect(await strays()).toEqual([])
    sh(`ip route add 10.7.0.128/25 dev away; ip route add unreachable 10.7.0.7/32
      ip -6 route add fd07::/64 dev away metric 1; ip -6 route add fd07::7/128 dev away`)
    expect(await strays()).toEqual([
      '10.7.0.1: 10.7.0.128/25 away',
      '10.7.0.1: 10.7.0.7/32 undefined',
      'fd07::1: fd07::/64 away',
      'fd07::1: fd07::7/128 away',
    ])
    sh(
      'ip route flush table main dev away; ip -6 route flush table main dev away; ip route delete 10.7.0.7/32',
    )
  })

  it('may be its very subnet and prohibit it, where the kernel takes them first', async () => {
    sh(`ip route append unreachable 10.7.0.0/24; ip -6 route append blackhole fd07::/64 metric 256`)
    expect(await strays()).toEqual([])
    sh(`ip route prepend prohibit 10.7.0.0/24; ip -6 route replace unreachable fd07::/64 metric 256
      ip -6 route append fd07::/64 dev home metric 256`)
    expect(await strays()).toEqual(['10.7.0.1: 10.7.0.0/24 undefined', 'fd07::1: fd07::/64 undefined'])
  })
})

describe('the machine', () => {
  it('is read beside the event loop, which goes on while thousands of chains are listed', async () => {
    const chains = Array.from({ length: 4_000 }, (_, n) => `add chain ip crowd c${n}`)
    nft(['add table ip crowd', ...chains, ''].join('\n'))
    await machine.read()
    const { active, idle } = await loopDuring(() => machine.read())
    expect(active).toBeLessThan(idle)
  })

  it('is looked at once for all who ask while a look is under way, and after they asked', async () => {
    forwarding('0')
    const first = machine.read()
    await Promise.resolve()
    forwarding('1')
    const [second, third] = [machine.read(), machine.read()]
    expect(second).toBe(third)
    expect((await second).machine.ipv4Forwarding).toBe('1')
    await first
  })

  it('is read no longer when its reader is closed, which may be repeated', async () => {
    const closing = new MachineReader()
    const read = closing.read()
    await Promise.all([expect(read).rejects.toThrow(), closing.close()])
    await closing.close()
  })
})

async function loopDuring(work: () => Promise<unknown>): Promise<{ active: number; idle: number }> {
  const before = performance.eventLoopUtilization()
  await work()
  return performance.eventLoopUtilization(before)
}
