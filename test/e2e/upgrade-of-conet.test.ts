// conet's own files are removed or replaced while conetd and its drivers run, as every upgrade of a package does: what needs
// a file that was not read before fails by itself and says what to do, and all else goes on.
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/repository.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { httpCall } from '../support/unix-http.ts'

type Part = 'host' | 'drivers/bridge'

let tree: TemporaryDirectory
let fixture: ConetdFixture

/** All that it is loaded from but the libraries, which stay. */
function install(part: Part): void {
  for (const name of ['package.json', 'bin', 'dist/programs'])
    cpSync(join(repository, part, name), join(tree.path, part, name), { recursive: true })
}

/** What conetd reads a few seconds after its start: as if it had come to that only after its files were gone. */
function removeReadLater(): void {
  const programs = join(tree.path, 'host/dist/programs')
  const found = readdirSync(programs).filter((name) => /^prometheus-.*\.js$/.test(name))
  expect(found).toHaveLength(1)
  for (const name of found) rmSync(join(programs, name))
}

const remove = (part: Part) => rmSync(join(tree.path, part), { recursive: true })

beforeAll(async () => {
  tree = await temporaryDirectory()
  symlinkSync(join(repository, 'node_modules'), join(tree.path, 'node_modules'))
  install('host')
  install('drivers/bridge')
  removeReadLater()
  const programs = {
    conetd: join(tree.path, 'host/bin/conetd.js'),
    bridge: join(tree.path, 'drivers/bridge/bin/conet-driver-bridge.js'),
  }
  fixture = await ConetdFixture.start({ drivers: ['bridge'], programs })
  await fixture.client.createNetwork({ type: 'bridge', name: 'blue' })
  await fixture.client.putContainerConfig('web', { attach_to: [] })
  await fixture.client.up('web')
  remove('host')
  remove('drivers/bridge')
})

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]()
  await tree?.[Symbol.asyncDispose]()
})

const missing = { kind: 'programUnavailable', help: expect.stringContaining('restart conetd') }

it('conetd goes on when what it loads in the background is not there any more', async () => {
  const log = () => readFileSync(fixture.conetd.logFile, 'utf8')
  await eventually(() => expect(log()).toContain('no metrics'), { timeoutMs: 10_000 })
  expect(await fixture.client.health()).toMatchObject({ status: 'ok' })
})

it('metrics are refused for that reason', async () => {
  const answer = await httpCall(fixture.conetd.socket, { path: '/metrics' })
  expect([answer.status, answer.json()]).toMatchObject([503, missing])
})

it('containers are plugged and unplugged', async () => {
  const { id } = await fixture.client.plug('web', { network: 'blue' })
  await fixture.client.unplug({ handle: 'web', endpoint: id })
})

it('a document whose check needs a thread is refused for that reason, again and again', async () => {
  const create = () => fixture.client.createNetwork({ type: 'bridge', name: 'red', config: { mtu: 1400 } })
  await expect(create()).rejects.toMatchObject(missing)
  await expect(create()).rejects.toMatchObject(missing)
})

it('the status shows that with all the rest', async () => {
  const { findings, counts } = await fixture.client.status()
  expect(counts).toMatchObject({ networks: 1, drivers: 1 })
  expect(findings).toContainEqual(
    expect.objectContaining({ code: 'program-unavailable', severity: 'warning' }),
  )
})

it('an old driver under a new conetd compiles the policies itself that it left to a thread', async () => {
  install('host')
  await fixture.restart()
  await fixture.client.plug('web', { network: 'blue' })
  const rule = (n: number) => ({ protocol: 'tcp', networks: [`10.${n >> 8}.${n & 255}.0/28`] })
  const policy = { version: 1, net_out: Array.from({ length: 600 }, (_, n) => rule(n)) }
  await fixture.client.putContainerPolicy('web', { networks: { blue: policy } })
  const { findings } = await fixture.client.status()
  expect(findings.map(({ code }) => code)).not.toContain('program-unavailable')
})
