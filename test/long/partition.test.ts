// A partition for a minute: long enough for leases to run out and for connections to be given up.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { partition } from '../support/partition-story.ts'
import { UnderlayHosts } from '../support/underlay-hosts.ts'

let machines: UnderlayHosts

beforeAll(async () => {
  machines = await UnderlayHosts.start(3)
}, 90_000)
afterAll(() => machines?.[Symbol.asyncDispose](), 60_000)

it('three hosts of which one is cut off for a minute converge, with no duplicate address and no stale entry', async () => {
  const [one, , three] = machines.hosts
  if (one === undefined || three === undefined) throw new Error('the hosts are not there')
  const subnets = [{ subnet: '10.8.0.0/24' }, { subnet: 'fd00:8::/64' }]
  const network = await one.client.createNetwork({ name: 'red', type: 'vxlan', subnets })
  await partition(machines, { network, seconds: 60 })
  await eventually(() => one.client.deleteNetwork('red'), { timeoutMs: 30_000 })
  expect((await one.client.getNode('host3')).state).toBe('alive')
}, 300_000)
