// Addresses of containers that are not up, in a network of a cluster of two hosts.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ClusterFixture, type ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost

beforeAll(async () => {
  ;({ cluster, one, two } = await ClusterFixture.ofTwo())
})
afterEach(() => cluster.removeEverything(), 30_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const handles = ['a', 'b', 'c', 'd', 'e']
const freeOfOne = { kind: 'addressesExhausted', details: { freeAddresses: { one: 0 } } }

it('addresses of containers that are not up count as used, on all hosts, before and after they come up, and are free when they go', async () => {
  await one.client.createNetwork({ name: 'tiny', type: 'span', subnets: [{ subnet: '10.7.0.0/29' }] })
  await two.knows('tiny')
  for (const handle of handles) {
    await one.client.putContainerConfig(handle, { attach_to: [] })
    await one.client.plug(handle, { network: 'tiny' })
  }
  const usedBy = async ({ client }: ClusterHost) => (await client.getNetwork('tiny')).subnets[0]?.used_by_node
  expect(await usedBy(one)).toEqual({ one: 5 })
  await eventually(async () => expect(await usedBy(two)).toEqual({ one: 5 }))
  expect(await two.conet('net', 'inspect', 'tiny')).toMatch(/ 5 of 5 +one 3 \(5 used\)\n/)
  await two.run('z')
  await eventually(() => expect(two.client.plug('z', { network: 'tiny' })).rejects.toMatchObject(freeOfOne))
  for (const handle of handles.slice(0, 2)) await one.client.up(handle)
  await eventually(async () => expect((await two.client.getNetwork('tiny')).members).toHaveLength(2))
  await eventually(async () => expect(await usedBy(two)).toEqual({ one: 5 }))
  for (const handle of handles.slice(1)) await one.client.deleteContainer(handle)
  await eventually(async () => expect(await usedBy(two)).toEqual({ one: 1 }))
})

it('they are known to be used when the host that has them has started again', async () => {
  await one.client.createNetwork({ name: 'blue', type: 'span' })
  await one.client.putContainerConfig('a', { attach_to: [] })
  await one.client.plug('a', { network: 'blue' })
  const said = () => cluster.etcd.control('get', '--prefix', '--print-value-only', '/conet/v1/blocks/')
  await eventually(async () => expect(await said()).toContain('"unpluggedOf":"one"'))
  await cluster.etcd.control(
    'del',
    (await cluster.keys('blocks/')).find((key) => /unplugged/.test(key)) ?? '',
  )
  await one.fixture.restart()
  await eventually(async () => expect(await said()).toContain('"unpluggedOf":"one"'))
})
