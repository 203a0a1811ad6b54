import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakeBehaviour } from '../support/fake-driver-plan.ts'

let fixture: ConetdFixture
let fake: FakeDriver

const schemas = { ipam: 'driver' } as const
const creates = (...behaviours: FakeBehaviour[]) =>
  fake.plan({ schemas, methods: { 'endpoint/create': behaviours } })
const gives = (address: string, only = ''): FakeBehaviour => ({ result: { addresses: [address] }, only })
const plug = (addresses: string[] = []) => fixture.client.plug('c', { network: 'lab', addresses })

/** What the driver was sent with the last call of that method. */
function lastSent(method: string): unknown {
  return fake.records().findLast((record) => record.event === 'begin' && record.method === method)?.params
}

beforeAll(async () => {
  fixture = await ConetdFixture.start()
  fake = await fixture.startFakeDriver({ plan: { schemas } })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'lab', type: 'fake' })
  await fixture.client.putContainerConfig('c', { attach_to: [] })
  await fixture.client.up('c')
})

afterEach(async () => {
  fake.plan({ schemas })
  await fixture.removeEverything()
})

describe('a driver that hands out addresses', () => {
  it('[D16] gets no subnet and no address, and what it answers stands in every later call', async () => {
    creates(gives('10.32.0.7/12'))
    expect(await fixture.client.getNetwork('lab')).toMatchObject({ ipam: 'driver', subnets: [] })
    const { interfaces } = await plug(['10.32.0.7'])
    expect(interfaces).toMatchObject([{ addresses: ['10.32.0.7/12'], default_route: true }])
    expect(lastSent('endpoint/create')).toMatchObject({
      network: { subnets: [] },
      interface: { addresses: [] },
      requestedAddresses: ['10.32.0.7'],
    })
    expect(lastSent('endpoint/plug')).toMatchObject({ interface: { addresses: ['10.32.0.7/12'] } })
    await fixture.restart()
    expect(lastSent('endpoint/create')).toMatchObject({ interface: { addresses: ['10.32.0.7/12'] } })
    const { endpoints } = await fixture.client.getContainer('c')
    expect(endpoints).toMatchObject([{ state: 'plugged', interfaces: [{ addresses: ['10.32.0.7/12'] }] }])
  })

  it('has its address on record before there is a sandbox', async () => {
    creates(gives('10.32.0.7/12'))
    await fixture.client.down('c')
    expect((await plug()).interfaces).toMatchObject([{ addresses: ['10.32.0.7/12'] }])
    await fixture.client.up('c')
    expect(lastSent('endpoint/plug')).toMatchObject({ interface: { addresses: ['10.32.0.7/12'] } })
  })

  it('has its address again where the endpoint is to have another name when the container comes up', async () => {
    creates(gives('10.32.0.7/12'))
    await fixture.client.down('c')
    const { id } = await plug()
    await fixture.client.putContainerConfig('c', { attach_to: [{ network: 'lab', name: 'first' }, 'lab'] })
    creates(gives('10.32.0.7/12', id), gives('10.32.0.8/12'))
    const { endpoints } = await fixture.client.up('c')
    expect(endpoints.find((endpoint) => endpoint.id === id)?.interfaces).toMatchObject([
      { name: 'eth1', addresses: ['10.32.0.7/12'], default_route: false },
    ])
    expect(lastSent('endpoint/create')).toMatchObject({
      endpointId: id,
      interface: { name: 'eth1' },
      requestedAddresses: ['10.32.0.7'],
    })
  })

  it('is told the subnets that a user names', async () => {
    await fixture.client.createNetwork({ name: 'named', type: 'fake', subnets: [{ subnet: '10.33.0.0/16' }] })
    expect(lastSent('network/create')).toMatchObject({
      network: { subnets: [{ subnet: '10.33.0.0/16', gateway: '10.33.0.1' }] },
    })
  })

  it.each<[string, FakeBehaviour, string, string[]]>([
    ['gives an address that another endpoint has', gives('10.32.0.7/12'), 'addresses[0]', []],
    ['gives none', { result: {} }, 'addresses', []],
    ['gives what is no address', gives('10.32.0/12'), 'addresses[0]', []],
    ['gives another than was asked for', gives('10.32.0.8/12'), 'addresses', ['10.32.0.9']],
  ])('is refused, and the plug undone, when it %s', async (_what, behaviour, path, asked) => {
    creates(gives('10.32.0.7/12'))
    await plug()
    creates(behaviour)
    await expect(plug(asked)).rejects.toMatchObject({ kind: 'protocolViolation', fields: [{ path }] })
    await fixture.settled()
    expect((await fixture.client.getContainer('c')).endpoints).toHaveLength(1)
    expect(fake.calls().at(-1)).toBe('endpoint/delete')
    creates(gives('10.32.0.9/12'))
    expect((await plug(['10.32.0.9'])).interfaces).toMatchObject([{ addresses: ['10.32.0.9/12'] }])
  })

  it('loses an endpoint whose address conetd could not write down', async () => {
    creates(gives('10.32.0.7/12'))
    fixture.arm('conetd', 'host:endpoint:after-create')
    await expect(plug()).rejects.toMatchObject({ kind: 'hostUnavailable' })
    expect(await fixture.conetd.ended()).toBe('SIGKILL')
    await fixture.start()
    await fixture.settled()
    expect(fake.calls().slice(-1)).toEqual(['endpoint/delete'])
    expect((await plug()).interfaces).toMatchObject([{ addresses: ['10.32.0.7/12'] }])
  })
})
