// Routes of an interface in a sandbox that somebody has changed: shown, and as they were set again.
import { interfaceDifferences } from '@conet/host/sandbox/interface-differences'
import { Rtnl } from '@conet/sdk/linux'
import { afterEach, expect, it, vi } from 'vitest'
import { BridgeFixture, network } from './bridge-fixture.ts'

/** What somebody does, and what is told of it. */
const changes: [string, string][] = [
  ['ip route change default via 10.1.0.1 dev eth0 mtu 1300', 'mtu 1300 in route 0.0.0.0/0 via 10.1.0.1'],
  ['ip route change default via 10.1.0.9 dev eth0', 'gateway 10.1.0.9 in route 0.0.0.0/0 via 10.1.0.1'],
  [
    'ip route del default; ip route add default via 10.1.0.1 dev eth0 metric 7',
    'lacks route 0.0.0.0/0 via 10.1.0.1',
  ],
  ['ip -6 route change default via fd00:1::1 dev eth0 advmss 900', 'advmss 900 in route ::/0 via fd00:1::1'],
  [
    'ip route change 192.0.2.0/24 via 10.1.0.9 dev eth0 realm 5',
    'realm 5 in route 192.0.2.0/24 via 10.1.0.9',
  ],
  [
    'ip route change 192.0.2.0/24 via 10.1.0.9 dev eth0 mtu lock 1300 window 5000 rto_min 5ms',
    'mtu lock 1300, window 5000, rto_min lock 5 in route 192.0.2.0/24',
  ],
  [
    'ip route change 192.0.2.0/24 via 10.1.0.9 dev eth0 table 1000 src 127.0.0.1',
    'source 127.0.0.1 in route 192.0.2.0/24',
  ],
  ['ip route del 192.0.2.0/24 table 1000', 'lacks route 192.0.2.0/24 via 10.1.0.9'],
  [
    'ip route change 10.1.0.0/16 dev eth0 proto kernel scope link src 10.1.0.2 mtu 1300',
    'mtu 1300 in route 10.1.0.0/16',
  ],
  [
    'ip -6 route change fd00:1::/64 dev eth0 proto kernel metric 256 mtu 1300',
    'mtu 1300 in route fd00:1::/64',
  ],
]

const routes = [
  { destination: '192.0.2.0/24', gateway: '10.1.0.9' },
  { destination: '192.0.2.0/24', gateway: '10.1.0.9', table: 1000, source: '10.1.0.2' },
]
const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'], routes }

afterEach(() => vi.restoreAllMocks())

it('a bridge driver has all that is said of the routes of an interface in a sandbox as it was, once that is shown', async () => {
  await using fixture = await BridgeFixture.start()
  const params = await fixture.join(await fixture.create(network('one')), 'a', a)
  const { interfaces } = await fixture.plug(params)
  const differences = () => interfaceDifferences(fixture.namespaces.path('a'), interfaces)
  fixture.exec('a', 'ip link set lo up')
  const picture = () => fixture.exec('a', 'ip route show table all; ip -6 route show table all').split('\n')
  const before = picture()
  for (const [command, says] of changes) {
    fixture.exec('a', command)
    expect(differences().join(), command).toContain(says)
    await fixture.plug(params)
    expect(differences(), command).toEqual([])
    expect(picture(), command).toEqual(expect.arrayContaining(before))
    fixture.exec('a', 'ip route del default metric 7 2>/dev/null || true')
  }
  expect(picture().sort()).toEqual(before.sort())
})

it('of a driver that does not say that nothing else was set, only what it names is compared', async () => {
  await using fixture = await BridgeFixture.start()
  const params = await fixture.join(await fixture.create(network('one')), 'a', a)
  const { interfaces } = await fixture.plug(params)
  const named = interfaces.map(({ exact: _, ...one }) => one)
  for (const [command] of changes.filter(([, says]) => /mtu|advmss|realm/.test(says)))
    fixture.exec('a', command)
  fixture.exec('a', 'ip addr change 10.1.0.2/16 dev eth0 metric 4000')
  expect(interfaceDifferences(fixture.namespaces.path('a'), named)).toEqual([])
})

it('a look at an interface reads its routes once', async () => {
  await using fixture = await BridgeFixture.start()
  const params = await fixture.join(await fixture.create(network('one')), 'a', a)
  const { interfaces } = await fixture.plug(params)
  const routesRead = vi.spyOn(Rtnl.prototype, 'routes')
  expect(interfaceDifferences(fixture.namespaces.path('a'), interfaces)).toEqual([])
  expect(routesRead).toHaveBeenCalledTimes(1)
})
