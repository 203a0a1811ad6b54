// Containers that nobody cares for: their process is gone without a `down`, or they never came up.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  const timeouts = { process_gone_ms: 3_000, unused_config_ms: 2_000 }
  fixture = await ConetdFixture.start({ drivers: ['null'], config: { timeouts } })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
const children = new Set<ChildProcess>()
afterEach(async () => {
  for (const child of children) await end(child)
  await fixture.removeEverything()
})

/** A process in a network namespace of its own, which it has when this resolves. */
async function isolatedProcess(): Promise<ChildProcess & { pid: number }> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  if (child.stdout === null || child.pid === undefined) throw new Error('unshare did not start')
  await once(child.stdout, 'data')
  return Object.assign(child, { pid: child.pid })
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const typesOf = async (handle: string) =>
  (await fixture.client.getContainerEvents(handle)).events.map(({ type }) => type)
it('[B26] a container whose process is gone is shown, then taken down; one whose process lives is left alone', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'null' })
  const [one, other] = [await isolatedProcess(), await isolatedProcess()]
  for (const [handle, { pid }] of [
    ['dies', one],
    ['lives', other],
  ] as const) {
    await fixture.client.putContainerConfig(handle, { attach_to: ['blue'] })
    await fixture.client.up(handle, { pid })
  }
  await end(one)
  await eventually(async () => (await fixture.client.getContainer('dies')).process_gone !== undefined)
  const { process_gone: gone, state } = await fixture.client.getContainer('dies')
  expect([state, Date.parse(gone?.down_at ?? '') - Date.parse(gone?.since ?? '')]).toEqual(['up', 3_000])
  const { findings } = await fixture.client.status()
  expect(findings.find(({ code }) => code === 'container-process-gone')?.message).toContain('dies (pid')
  await eventually(async () => (await typesOf('dies')).at(-1) === 'container.down', { timeoutMs: 10_000 })
  expect((await typesOf('dies')).slice(-3)).toEqual([
    'container.process-gone',
    'endpoint.removed',
    'container.down',
  ])
  const living = await fixture.client.getContainer('lives')
  expect([living.state, living.process_gone]).toEqual(['up', undefined])
})

it('an up that names no namespace leaves a container where it is, as long as its process lives', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'null' })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { pid } = await isolatedProcess()
  const first = await fixture.client.up('c', { pid })
  const again = await fixture.client.up('c')
  expect(again.sandbox).toEqual(first.sandbox)
  expect(again.endpoints).toEqual(first.endpoints)
  for (const child of children) await end(child)
  const { sandbox, endpoints } = await fixture.client.up('c')
  expect(sandbox?.owner).not.toBe(first.sandbox?.owner)
  expect(endpoints[0]?.id).not.toBe(first.endpoints[0]?.id)
})

it('the grace goes on over a restart of conetd, and a container that comes up anew in time stays', async () => {
  await fixture.client.putContainerConfig('c', { attach_to: [] })
  const [former, next] = [await isolatedProcess(), await isolatedProcess()]
  await fixture.client.up('c', { pid: former.pid })
  await end(former)
  await fixture.restart()
  await eventually(async () => (await fixture.client.getContainer('c')).process_gone !== undefined)
  await fixture.client.up('c', { pid: next.pid })
  expect((await fixture.client.getContainer('c')).process_gone).toBeUndefined()
})

it('[B26] a configuration that is never used is shown and forgotten; one that was used once is kept', async () => {
  await fixture.client.putContainerConfig('used', { attach_to: [] })
  await fixture.client.up('used')
  await fixture.client.down('used')
  const { unused } = await fixture.client.putContainerConfig('idle', { attach_to: [] })
  expect(Date.parse(unused?.forgotten_at ?? '') - Date.parse(unused?.since ?? '')).toBe(2_000)
  await eventually(async () => (await typesOf('idle')).includes('container.expired'), { timeoutMs: 10_000 })
  await expect(fixture.client.getContainer('idle')).rejects.toMatchObject({ kind: 'notFound' })
  const kept = await fixture.client.getContainer('used')
  expect([kept.state, kept.unused]).toEqual(['down', undefined])
})
