// A network whose driver is gone for good can be struck off the record; if the driver comes back after all, nothing of
// it stays.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'

const subnets = [{ subnet: '10.97.0.0/24' }]

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'] })
  fake = await fixture.startFakeDriver()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  fake.plan({})
  await fake.program.end('SIGKILL')
  await fake.restart()
  await fixture.driversReady()
  await fixture.removeEverything()
})

/** As a machine that loses power: its socket stays. */
async function driverDies(): Promise<void> {
  await fake.program.end('SIGKILL')
  await eventually(async () => expect((await fixture.client.getDriver('fake')).state).toBe('closed'))
}

const networkNames = async () => (await fixture.client.listNetworks()).networks.map(({ name }) => name)
const told = (method: string, id: string) =>
  fake
    .records()
    .filter(
      (record) =>
        record.event === 'end' && record.method === method && JSON.stringify(record.params).includes(id),
    )

it('with what is left of its endpoints, and its driver removes it all when it is back with what it had', async () => {
  const { id } = await fixture.client.createNetwork({ name: 'lost', type: 'fake', subnets })
  await fixture.client.putContainerConfig('c', { attach_to: ['lost'] })
  const { endpoints } = await fixture.client.up('c')
  const endpointId = endpoints[0]?.id ?? ''
  await driverDies()
  await fixture.client.down('c')
  await fixture.client.deleteContainer('c')
  expect(await fixture.client.deleteNetwork('lost')).toEqual({ state: 'deleting' })
  await fixture.client.forgetNetwork('lost')
  expect(await networkNames()).toEqual([])
  const { findings } = await fixture.client.status()
  expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([])
  // Again, by the id that nobody has any more; and its name and subnet are free.
  await fixture.client.forgetNetwork(id)
  await fixture.client.createNetwork({ name: 'lost', type: 'null', subnets })
  fake.plan({ has: { networkIds: [id], endpoints: [{ networkId: id, endpointId }] } })
  await fake.restart()
  await eventually(() => {
    expect(told('endpoint/delete', endpointId)).not.toEqual([])
    expect(told('network/delete', id)).not.toEqual([])
  })
})

it('is refused while the driver is there, and while containers want the network, with their names', async () => {
  await fixture.client.createNetwork({ name: 'wanted', type: 'fake', subnets })
  await expect(fixture.client.forgetNetwork('wanted')).rejects.toMatchObject({
    kind: 'failedPrecondition',
    details: { driver: 'fake', driverState: 'ready' },
    help: 'delete it: conet net rm wanted',
  })
  await fixture.client.putContainerConfig('c1', { attach_to: ['wanted'] })
  await fixture.client.up('c1')
  await driverDies()
  await expect(fixture.client.forgetNetwork('wanted')).rejects.toMatchObject({
    kind: 'inUse',
    message: 'forget network wanted: it is used by c1',
    details: { containers: ['c1'] },
  })
  await expect(fixture.client.forgetNetwork('nobody')).rejects.toMatchObject({ kind: 'notFound' })
  expect(await networkNames()).toEqual(['wanted'])
})

it.each(['host:network:buried', 'host:endpoint:forgotten', 'host:network:forgotten'])(
  'is wholly forgotten when it is asked for once more after a crash of conetd at %s',
  async (failpoint) => {
    const { id } = await fixture.client.createNetwork({ name: 'cut', type: 'fake', subnets })
    await fixture.client.putContainerConfig('c', { attach_to: ['cut'] })
    const { endpoints } = await fixture.client.up('c')
    const endpointId = endpoints[0]?.id ?? ''
    await driverDies()
    await fixture.client.deleteContainer('c')
    fixture.arm('conetd', failpoint)
    await fixture.client.forgetNetwork(id).catch(() => undefined)
    expect(await fixture.conetd.ended()).toBe('SIGKILL')
    await fixture.start()
    await fixture.client.forgetNetwork(id)
    expect(await networkNames()).toEqual([])
    await fixture.settled()
    await fixture.client.createNetwork({ name: 'cut', type: 'null', subnets })
    fake.plan({ has: { networkIds: [id], endpoints: [{ networkId: id, endpointId }] } })
    await fake.restart()
    await eventually(() => expect(told('network/delete', id)).not.toEqual([]))
  },
)
