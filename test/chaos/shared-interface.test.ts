// Networks behind one interface of a container, as the host sees them: the driver itself makes nothing.
import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import { temporaryNamespace } from '../support/temporary-namespace.ts'

let fixture: ConetdFixture
let fake: FakeDriver

const schemas = { sandbox: 'private' } as const

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'] })
  fake = await fixture.startFakeDriver({ plan: { schemas } })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'none', type: 'null' })
  for (const name of ['red', 'blue'])
    await fixture.client.createNetwork({ name, type: 'fake', ipv4: false, ipv6: false })
})

afterEach(async () => {
  fake.plan({ schemas })
  await fixture.removeEverything()
})

const define = (...attachments: (string | { network: string; interface: string })[]) =>
  fixture.client.putContainerConfig('c', { attach_to: attachments })

describe('several networks behind one interface', () => {
  it('[A6] get its name, no counters where their driver does not count, and no interface of the host’s making', async () => {
    const macAddress = '02:42:0a:00:00:02'
    const made = { configuredBy: 'driver', name: 'eth0', macAddress, addresses: [], mtu: 1500, routes: [] }
    const answers = (change: object) => {
      const result = { interfaces: [{ ...made, ...change }] }
      fake.plan({ schemas, methods: { 'endpoint/plug': { result } } })
    }
    answers({})
    await define('red', 'blue')
    const { sandbox, networks } = await fixture.client.up('c')
    expect(networks).toMatchObject({ red: { interface: 'eth0' }, blue: { interface: 'eth0' } })
    const argv = [`--net=${sandbox?.path}`, 'ip', 'link', 'add', 'eth0', 'type', 'ifb']
    execFileSync('nsenter', argv, { stdio: 'pipe' })
    expect((await fixture.client.getContainerMetrics('c')).networks).toEqual({})
    answers({ configuredBy: 'host', sourceName: 'src0' })
    await expect(fixture.client.plug('c', { network: 'red', name: 'again' })).rejects.toMatchObject({
      kind: 'protocolViolation',
      fields: [{ path: 'interfaces[0].configuredBy' }],
    })
  })

  it('[A6] refuse a name that is taken to the one that asks for it, and not to those that come before', async () => {
    using made = temporaryNamespace()
    made.namespace.run(() => execFileSync('ip', ['link', 'add', 'eth0', 'type', 'ifb']))
    const up = () => fixture.client.up('c', { netns: made.path })
    await define('none', 'red', { network: 'blue', interface: 'eth0' })
    await expect(up()).rejects.toMatchObject({
      kind: 'conflict',
      fields: [{ path: 'attach_to[2].interface', message: 'must be eth2, behind which the others are' }],
    })
    await define('none', 'red', { network: 'blue', interface: 'lan0' })
    const { networks } = await up()
    expect(networks).toMatchObject({ red: { interface: 'lan0' }, blue: { interface: 'lan0' } })
    await fixture.client.down('c')
  })
})
