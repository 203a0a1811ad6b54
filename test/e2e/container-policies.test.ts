// A policy server's list as a network's default policy: containers that come through Guardian, with their groups.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { ContainerInit, Guardian } from '../support/shims.ts'
import { TrafficPeer } from '../support/traffic-peer.ts'

const network = {
  name: 'apart',
  type: 'bridge',
  subnets: [{ subnet: '10.96.0.0/24' }, { subnet: 'fd00:96::/64' }],
  config: { icc: false, egress: 'deny' },
}
const refused = 'failed: ECONNREFUSED'

let fixture: ConetdFixture
let guardian: Guardian
let inits: ContainerInit[]
let front: TrafficPeer
let back: TrafficPeer

beforeAll(async () => {
  fixture = await ConetdFixture.start({
    drivers: ['bridge', 'vxlan'],
    config: { default_attachment: network },
  })
  guardian = new Guardian(fixture.conetd.socket)
  inits = [await ContainerInit.start(), await ContainerInit.start()]
  const peer = (name: string, at: number) => new TrafficPeer(name, `/proc/${inits[at]?.pid}/ns/net`)
  front = peer('front', 0)
  back = peer('back', 1)
  await Promise.all([back.listen('tcp', 8080), back.listen('tcp', 9090), front.listen('tcp', 8080)])
})
afterAll(async () => {
  for (const peer of [front, back]) await peer?.[Symbol.asyncDispose]()
  for (const init of inits ?? []) await init.end()
  await fixture?.[Symbol.asyncDispose]()
})

const entry = (source: string, destination: string, [start, end] = [8080, 8080]) => ({
  source: { id: source },
  destination: { id: destination, protocol: 'tcp', ports: { start, end } },
})
const putList = (...policies: object[]) => fixture.client.putDefaultPolicy('apart', { policies })

async function up(handle: string, at: number, group: string) {
  const Properties = { policy_group_id: group, app_id: group }
  const properties = await guardian.up(handle, { Pid: inits[at]?.pid ?? 0, Properties })
  const of = (family: 'ip' | 'ipv6') => properties[`garden.network.container-${family}`] ?? ''
  return [of('ip'), of('ipv6')] as const
}

it('[B23] a policy server’s list opens what it says between groups, live, over a restart, and not longer', async () => {
  const [, frontIpv6] = await up('one', 0, 'guid-front')
  await putList(entry('guid-front', 'guid-back', [8000, 8099]), entry('guid-none', 'guid-front'))
  // It was waited for.
  const [ipv4, ipv6] = await up('two', 1, 'guid-back')
  for (const address of [ipv4, ipv6]) {
    expect(await front.tcp({ address, port: 8080 })).toMatch(/^back sees/)
    expect(await front.tcp({ address, port: 9090 })).toBe(refused)
  }
  expect(await back.tcp({ address: frontIpv6, port: 8080 })).toBe(refused)
  expect(await front.tcp({ address: ipv4, port: 8080, keep: 'long' })).toMatch(/^back sees/)

  await fixture.restart()
  expect(await front.echo('long')).toBe('again')
  expect(await front.tcp({ address: ipv6, port: 8080 })).toMatch(/^back sees/)
  const dry = await fixture.client.call('previewReconciliation', {})
  expect(JSON.stringify(dry)).not.toContain('answer')

  await putList(entry('guid-front', 'guid-back', [9090, 9090]))
  await eventually(async () => expect(await front.echo('long')).toBe('failed: closed'))
  expect(await front.tcp({ address: ipv4, port: 8080 })).toBe(refused)
  expect(await front.tcp({ address: ipv4, port: 9090 })).toMatch(/^back sees/)
  await putList()
  await guardian.down('one')
  await guardian.down('two')
})

it('entries of a container’s own document count beside those that its runtime’s rules stand behind', async () => {
  await fixture.client.putContainerConfig('one', { attach_to: ['apart'] })
  await fixture.client.putContainerPolicy('one', { networks: { apart: { policies: [entry('one', 'two')] } } })
  const Properties = {}
  await guardian.up('one', { Pid: inits[0]?.pid ?? 0, Properties, netout_rules: [{ protocol: 0 }] })
  const [ipv4] = await up('two', 1, 'guid-back')
  expect(await front.tcp({ address: ipv4, port: 8080 })).toMatch(/^back sees/)
  expect((await fixture.client.getContainerPolicy('one')).effective.apart?.policy).toEqual({
    policies: [entry('one', 'two')],
    net_out: [{ protocol: 0 }],
  })
  await guardian.down('one')
  await guardian.down('two')
})

it('what a network cannot keep is refused with the field', async () => {
  const policies = [entry('a', 'b')]
  const members = { policies: [{ ...entry('a', 'b', [9, 8]) }] }
  await expect(fixture.client.putDefaultPolicy('apart', members)).rejects.toMatchObject({
    kind: 'invalidArgument',
    fields: [{ path: 'default_policy.policies[0].destination.ports' }],
  })
  await expect(
    fixture.client.createNetwork({ name: 'far', type: 'vxlan', default_policy: { policies } }),
  ).rejects.toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'default_policy.policies' }] })
  await fixture.client.createNetwork({ name: 'open', type: 'bridge' })
  await fixture.client.putContainerConfig('c', { attach_to: ['open'] })
  await fixture.client.up('c')
  await expect(
    fixture.client.putContainerPolicy('c', { networks: { open: { policies } } }),
  ).rejects.toMatchObject({
    kind: 'invalidArgument',
    message: expect.stringContaining('reach each other anyway'),
    fields: [{ path: 'networks.open.policies' }],
    help: expect.stringContaining('icc: false'),
  })
  await expect(fixture.client.putDefaultPolicy('open', { policies })).rejects.toMatchObject({
    fields: [{ path: 'default_policy.policies' }],
  })
  await fixture.client.down('c')
  // Nobody was there who could have been refused.
  await fixture.client.putDefaultPolicy('open', { policies })
  await expect(fixture.client.up('c')).rejects.toMatchObject({
    fields: [{ path: 'default_policy.policies' }],
  })
})
