// Addresses that somebody has changed in place: they run out, or are no longer as the driver sets them.
import { interfaceDifferences } from '@conet/host/sandbox/interface-differences'
import { expect, it } from 'vitest'
import { RunningPing } from '../../support/running-ping.ts'
import { BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'

/** What somebody does to ADDRESS4 and ADDRESS6 of DEV, and what is told of it. */
const changes: [string, RegExp][] = [
  [
    'ip addr change ADDRESS4 dev DEV valid_lft 600 preferred_lft 300',
    /the address 10[.\d]+\/16 with a lifetime/,
  ],
  ['ip addr change ADDRESS4 dev DEV preferred_lft 0', /the address 10[.\d]+\/16 with a lifetime/],
  [
    'ip addr change ADDRESS6 dev DEV valid_lft 600 preferred_lft 300',
    /the address fd00:1::\d\/64 with a lifetime/,
  ],
  ['ip addr change ADDRESS6 dev DEV preferred_lft 0', /the address fd00:1::\d\/64 with a lifetime/],
  ['ip addr change ADDRESS4 dev DEV metric 4000', /the address 10[.\d]+\/16 with the metric 4000/],
  ['ip addr change ADDRESS6 dev DEV metric 4000', /the address fd00:1::\d\/64 with the metric 4000/],
  ['ip addr change ADDRESS6 dev DEV noprefixroute', /the address fd00:1::\d\/64 with .*noprefixroute/],
  [
    'ip addr del ADDRESS4 dev DEV; ip addr add ADDRESS4 dev DEV noprefixroute',
    /the address 10[.\d]+\/16 with .*noprefixroute/,
  ],
  [
    'ip addr del ADDRESS4 dev DEV; ip addr add BARE4 peer 192.0.2.9/16 dev DEV',
    /the address 10[.\d]+\/16 with the peer 192.0.2.9/,
  ],
  [
    'ip addr del ADDRESS6 dev DEV; ip addr add BARE6 peer fd00:9::9/64 dev DEV nodad',
    /the address fd00:1::\d\/64 with the peer fd00:9::9/,
  ],
  ['ip addr change ADDRESS6 dev DEV home mngtmpaddr', /with duplicate detection, home, mngtmpaddr/],
  [
    'ip addr del ADDRESS4 dev DEV; ip addr add ADDRESS4 dev DEV scope link brd 10.1.0.255 label DEV:1',
    /the address 10[.\d]+\/16 with the scope link, the broadcast address 10.1.0.255, the label /,
  ],
]

function commandOf(command: string, dev: string, member: number): string {
  const words: Record<string, string> = {
    'DEV:1': `${dev.slice(0, 13)}:1`,
    DEV: dev,
    ADDRESS4: `10.1.0.${member}/16`,
    ADDRESS6: `fd00:1::${member}/64`,
    BARE4: `10.1.0.${member}`,
    BARE6: `fd00:1::${member}`,
  }
  return command.replace(/DEV:1|DEV|ADDRESS[46]|BARE[46]/g, (word) => words[word] ?? '')
}

/** Without what is told of an IPv6 address that once had another metric. */
const usual = (shown: string) =>
  shown.replace(/(inet6 \S+) metric 256/g, '$1').replace(/link-netns\S* \S+/g, '')

const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }

it('a bridge driver tells what somebody has changed of the addresses of a bridge, and has them for good again', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  await fixture.join(net, 'a', a)
  const bridge = bridgeNameOf(net)
  const faults = async () => (await fixture.driver.networkFaults?.(fixture.call()))?.[0]?.fault ?? ''
  const picture = () =>
    usual(
      sh(`ip addr show dev ${bridge}; ip route show dev ${bridge}; ip -6 route show dev ${bridge} | sort`),
    )
  const before = picture()
  for (const [command, says] of changes) {
    sh(commandOf(command, bridge, 1))
    expect(await faults(), command).toMatch(says)
    fixture.repaired.length = 0
    await fixture.create(net)
    expect(fixture.repaired.join(), command).toMatch(says)
    expect(await faults(), command).toBe('')
    expect(picture(), command).toBe(before)
  }
  const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.1' })
  await ping.goesOn()
  for (const [command] of changes.slice(0, 6)) sh(commandOf(command, bridge, 1))
  await fixture.restartDriver()
  await fixture.create(net)
  await ping.goesOn()
  const { sent, received } = await ping.stop()
  expect(sent - received).toBeLessThanOrEqual(1)
  expect(picture()).toBe(before)
})

it('and of an interface in a sandbox, whose default routes are there again too', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const params = await fixture.join(net, 'a', a)
  const { interfaces } = await fixture.plug(params)
  const picture = () =>
    usual(fixture.exec('a', 'ip addr show dev eth0; ip route show; ip -6 route show | sort'))
  const before = picture()
  const differences = () => interfaceDifferences(fixture.namespaces.path('a'), interfaces)
  for (const [command, says] of changes) {
    fixture.exec('a', commandOf(command, 'eth0', 2))
    expect(differences().join().replace('has address', 'the address'), command).toMatch(says)
    fixture.repaired.length = 0
    await fixture.plug(params)
    expect(fixture.repaired.join(), command).toMatch(says)
    expect(differences(), command).toEqual([])
    expect(picture(), command).toBe(before)
  }
  expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
})

it('misses the link-local address of an interface that has IPv6 addresses, unless it has another', async () => {
  await using fixture = await BridgeFixture.start()
  const params = await fixture.join(await fixture.create(network('one')), 'a', a)
  const { interfaces } = await fixture.plug(params)
  const differences = () => interfaceDifferences(fixture.namespaces.path('a'), interfaces)
  fixture.exec('a', 'ip address del fe80::42:aff:fe01:2/64 dev eth0')
  expect(differences()).toEqual(['eth0 lacks address fe80::42:aff:fe01:2/64'])
  fixture.exec('a', 'ip address add fe80::77/64 dev eth0 nodad')
  expect(differences()).toEqual([])
  fixture.exec('a', 'ip address del fe80::77/64 dev eth0')
  await fixture.plug(params)
  expect(fixture.repaired.join()).toMatch(/: the address fe80::42:aff:fe01:2\/64 was missing$/)
  expect(differences()).toEqual([])
})

it('leaves IPv6 off in a container without addresses of it, and says nothing of it', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const params = await fixture.join(net, 'a', { addresses: ['10.1.0.2/16'] })
  const { interfaces } = await fixture.plug(params)
  fixture.exec('a', 'sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1')
  expect(interfaceDifferences(fixture.namespaces.path('a'), interfaces)).toEqual([])
  await fixture.plug(params)
  expect(fixture.repaired).toEqual([])
  expect(fixture.exec('a', 'ip -6 address show dev eth0')).toBe('')
})
