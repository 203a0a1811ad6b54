// What drivers find wrong in the kernel while nobody asks: conetd asks now and then, and mends it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'

const everyMs = 500

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  const config = { timeouts: { driver_look_ms: everyMs } }
  fixture = await ConetdFixture.start({ drivers: ['bridge'], config })
  fake = await fixture.startFakeDriver()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  fake.plan({})
  await fixture.removeEverything()
})

const shell = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })

it('[B26] a bridge that is down or gone, or a port with another MTU, is as it was without a word', async () => {
  const subnets = [{ subnet: '10.96.0.0/24' }]
  const { id } = await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox, endpoints } = await fixture.client.up('c')
  const bridge = `cnb${id.slice(0, 12)}`
  const port = `cnv${endpoints[0]?.id.slice(0, 12)}`
  for (const damage of [`ip link set ${bridge} down`, `ip link delete ${bridge}`]) {
    shell(damage)
    await eventually(() => shell(`nsenter --net=${sandbox?.path} ping -q -c1 -W1 10.96.0.1`), {
      timeoutMs: 15_000,
    })
  }
  shell(`ip link set ${port} mtu 1200`)
  await eventually(() => shell(`ip link show ${port}`).includes('mtu 1500'), { timeoutMs: 15_000 })
  const told = async () => (await fixture.client.getContainerEvents('c')).events.map(({ type }) => type)
  await eventually(async () =>
    expect((await told()).slice(-2)).toEqual(['endpoint.diverged', 'endpoint.repaired']),
  )
})

it('a default route of the container that keeps out the one of an interface that was lost is told once, and mended once it is gone', async () => {
  const { id } = await fixture.client.createNetwork({ name: 'blue', type: 'bridge' })
  await fixture.client.putContainerConfig('c', { attach_to: [id] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} sh -ec '${command}'`)
  inside(`ip link add own type veth peer name far; ip link set own up; ip link set far up
    ip address add 192.0.2.2/24 dev own; ip route replace default via 192.0.2.1; ip link delete eth0`)
  const logged = (words: string) =>
    readFileSync(fixture.conetd.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(words))
  const told = () => logged('it is made so').filter((line) => line.includes('0.0.0.0/0'))
  // Its second try, before which drivers were asked several times.
  await eventually(() => expect(logged('a repair is pending still')).toHaveLength(1), { timeoutMs: 15_000 })
  expect(told()).toHaveLength(1)
  inside('ip link delete own')
  await eventually(() => expect(inside('ip route show default')).toContain('dev eth0'), { timeoutMs: 15_000 })
})

it('a driver that does not say what it has holds up nobody who asks how things are', async () => {
  await fixture.client.createNetwork({ name: 'odd', type: 'fake' })
  fake.plan({ methods: { 'network/list': { hangs: true } } })
  const before = performance.now()
  for (let times = 0; times < 2; times += 1) await fixture.client.status()
  expect(performance.now() - before).toBeLessThan(15_000)
})
