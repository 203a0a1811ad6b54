// conet-guardian while conetd is away, or stands still: what fails soon, what is kept, and what is done when it is back.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConetError } from '@conet/sdk'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { GuardianScene } from '../support/guardian-scene.ts'
import { ContainerInit, type Guardian } from '../support/shims.ts'

let scene: GuardianScene
let fixture: ConetdFixture
let guardian: Guardian
let init: ContainerInit

beforeAll(async () => {
  scene = await GuardianScene.start()
  ;({ fixture, guardian, init } = scene)
})
afterAll(() => scene?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

it('without conetd an up fails within two seconds; a down is kept and done when conetd is back, before an up of the same handle', async () => {
  await guardian.up('h1', { Pid: init.pid, Properties: {} })
  await fixture.kill()
  const refused = await guardian.run('up', 'h2', { Pid: init.pid, Properties: {} })
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('conetd does not run')])
  expect(refused.ms).toBeLessThan(2_000)
  expect((await guardian.run('down', 'h1', null)).code).toBe(0)
  const spool = join(fixture.directory, 'run/conetd.spool')
  expect(readdirSync(spool)).toHaveLength(1)
  await fixture.start()
  await eventually(() => expect(readdirSync(spool)).toEqual([]))
  await fixture.settled()
  expect((await fixture.client.listContainers()).containers).toEqual([])
  expect((await guardian.up('h1', { Pid: init.pid, Properties: {} }))['garden.network.interface']).toBe(
    'eth0',
  )
})

it('an up right after a down that was kept has the address that its former life had', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.96.0.0/24' }] })
  await fixture.client.putContainerConfig('h1', {
    attach_to: [{ network: 'blue', addresses: ['10.96.0.77'] }],
  })
  await fixture.client.up('h1', { pid: init.pid })
  await fixture.kill()
  expect((await guardian.run('down', 'h1', null)).code).toBe(0)
  // As soon as somebody hears it, which may be before conetd is connected to its drivers.
  const up = async () => {
    const answer = await fixture.client.up('h1', { pid: init.pid }).catch((error: unknown) => error)
    return ConetError.is(answer, 'hostUnavailable') ? false : answer
  }
  const [, container] = await Promise.all([
    fixture.start(),
    eventually(up, { timeoutMs: 15_000, everyMs: 1 }),
  ])
  expect(container).toMatchObject({
    endpoints: [{ state: 'plugged', interfaces: [{ addresses: ['10.96.0.77/24'] }] }],
  })
})

it('a conetd that is stopped is given up soon: its up leaves nothing, and its down is kept and done', async () => {
  await guardian.up('h1', { Pid: init.pid, Properties: {} })
  await using other = await ContainerInit.start()
  process.kill(fixture.conetd.pid, 'SIGSTOP')
  try {
    const asked = guardian.run('up', 'h2', { Pid: other.pid, Properties: {} })
    const [up, down] = await Promise.all([asked, guardian.run('down', 'h1', null)])
    expect([up.code, up.err]).toEqual([1, expect.stringContaining('gave no sign of life within 5 s')])
    expect([down.code, down.out]).toEqual([0, '{}\n'])
    expect(readdirSync(join(fixture.directory, 'run/conetd.spool'))).toHaveLength(1)
  } finally {
    process.kill(fixture.conetd.pid, 'SIGCONT')
  }
  await eventually(async () => expect((await fixture.client.listContainers()).containers).toEqual([]))
  await eventually(() => expect(readdirSync(join(fixture.directory, 'run/conetd.spool'))).toEqual([]))
  await fixture.settled()
  // Its up may be read only now, and is undone since nobody waits for it.
  await eventually(() => expect(readdirSync(fixture.namespaceDirectory)).toEqual([]))
})

it('properties of a container that is found down after a start of conetd are gone', async () => {
  await fixture.client.putContainerConfig('q', { attach_to: [] })
  await guardian.up('q', { Pid: init.pid, Properties: { first: 'up' } })
  const { sandbox, config } = await fixture.client.getContainer('q')
  expect(config).toEqual({ properties: { first: 'up' } })
  await fixture.kill()
  execFileSync('umount', [sandbox?.path ?? ''])
  await fixture.start()
  const found = await fixture.client.getContainer('q')
  expect([found.state, found.config]).toEqual(['down', {}])
})
