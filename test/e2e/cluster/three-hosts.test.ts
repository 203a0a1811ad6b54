// Three machines, the vxlan driver on each, one etcd: containers on different machines talk to each other.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { partition } from '../../support/partition-story.ts'
import { type UnderlayHost, UnderlayHosts } from '../../support/underlay-hosts.ts'

let machines: UnderlayHosts

beforeAll(async () => {
  machines = await UnderlayHosts.start(3)
}, 90_000)
afterAll(() => machines?.[Symbol.asyncDispose](), 60_000)

function host(number: number): UnderlayHost {
  const found = machines.hosts[number - 1]
  if (found === undefined) throw new Error(`there is no host ${number}`)
  return found
}

const forwarding = (on: UnderlayHost) => machines.on(on, 'bridge fdb show | grep dst || true')

it('containers of one network reach each other on all machines, large packets included, until they are unplugged', async () => {
  const subnets = [{ subnet: '10.7.0.0/24' }, { subnet: 'fd00:7::/64' }]
  await host(1).client.createNetwork({ name: 'blue', type: 'vxlan', subnets })
  const endpoints = await Promise.all([1, 2, 3].map((number) => host(number).plug(`c${number}`, 'blue')))
  for (const { published, interfaces } of endpoints) {
    expect(published).toBe(true)
    expect(interfaces[0]).toMatchObject({ mtu: 1450 })
  }
  const addresses = endpoints.flatMap(({ interfaces }) => interfaces[0]?.addresses ?? [])
  expect(new Set(addresses).size).toBe(6)
  for (const number of [1, 2, 3]) {
    for (const address of addresses) {
      const to = address.split('/')[0] ?? ''
      const size = 1450 - 8 - (to.includes(':') ? 40 : 20)
      await eventually(() => host(number).inside(`c${number}`, `ping -q -c1 -W1 -M do -s ${size} ${to}`), {
        timeoutMs: 10_000,
        everyMs: 100,
      })
    }
  }
  const [first, second] = endpoints
  if (first === undefined || second === undefined) throw new Error('not plugged')
  const mac = first.interfaces[0]?.mac_address ?? ''
  expect(forwarding(host(2))).toContain(`${mac} dev`)
  expect(forwarding(host(2))).toContain('dst 192.0.2.1')
  await host(1).client.unplug({ handle: 'c1', endpoint: first.id })
  await eventually(() => expect(forwarding(host(2))).not.toContain(mac))
  await eventually(() => expect(forwarding(host(3))).not.toContain(mac))
  await host(3).inside('c3', `ping -q -c1 -W1 ${addressOf(second)}`)
  await expect(host(1).client.deleteNetwork('blue')).rejects.toMatchObject({
    kind: 'inUse',
    details: { containers: { host2: ['c2'], host3: ['c3'] } },
  })
  for (const number of [1, 2, 3]) await host(number).client.deleteContainer(`c${number}`)
  await eventually(() => host(1).client.deleteNetwork('blue'))
  await eventually(async () => expect((await host(3).client.listNetworks()).networks).toEqual([]))
  for (const number of [1, 2, 3])
    await eventually(() =>
      expect(machines.on(host(number), 'ip -br link | grep -c cn || true').trim()).toBe('0'),
    )
}, 90_000)

it('a host that is cut off for a moment, with plugs and unplugs on both sides, has no duplicate address and no stale entry after it', async () => {
  const subnets = [{ subnet: '10.8.0.0/24' }, { subnet: 'fd00:8::/64' }]
  const network = await host(2).client.createNetwork({ name: 'red', type: 'vxlan', subnets })
  await partition(machines, { network, seconds: 2 })
  await eventually(() => host(1).client.deleteNetwork('red'), { timeoutMs: 20_000 })
}, 120_000)
