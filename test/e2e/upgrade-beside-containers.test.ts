// A container may do with its own interface what it likes; that keeps nobody from upgrading the driver.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { startDriverProgram } from '../support/fake-driver.ts'
import { repository } from '../support/repository.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ spawn: ['bridge'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

it('a default route that a container has replaced does not hold up another instance of its driver', async () => {
  await fixture.client.createNetwork({ name: 'lab', type: 'bridge' })
  await fixture.client.putContainerConfig('c', { attach_to: ['lab'] })
  const { sandbox } = await fixture.client.up('c')
  const within = (...argv: string[]) =>
    execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ip', ...argv], { encoding: 'utf8' })
  within('link', 'add', 'own', 'up', 'type', 'bridge')
  within('route', 'replace', 'default', 'dev', 'own')
  const socketPath = join(fixture.driverDirectory, 'bridge-2.sock')
  const next = await startDriverProgram({
    program: join(repository, 'drivers/bridge/bin/conet-driver-bridge.js'),
    args: ['--socket', socketPath],
    socketPath,
  })
  try {
    await eventually(
      async () => {
        const { drivers } = await fixture.client.listDrivers()
        expect(drivers.find(({ socket }) => socket === socketPath)).toMatchObject({ role: 'active' })
      },
      { timeoutMs: 15_000 },
    )
    const { differences } = await fixture.client.previewReconciliation()
    expect(JSON.stringify(differences)).toContain('the container has another route to 0.0.0.0/0 (dev own)')
    expect(within('route', 'show', 'default')).not.toContain('via')
    within('route', 'del', 'default')
    await fixture.client.reconcile()
    expect(within('route', 'show', 'default')).toContain('via')
  } finally {
    await fixture.removeEverything()
    await next.end('SIGTERM')
  }
})
