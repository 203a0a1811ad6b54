import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdProcess } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { FakeDriver } from '../support/fake-driver.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { httpCall } from '../support/unix-http.ts'

let directory: TemporaryDirectory
let conetd: ConetdProcess
let driver: FakeDriver

beforeAll(async () => {
  directory = await temporaryDirectory()
  writeFileSync(join(directory.path, 'conetd.json'), JSON.stringify({ timeouts: { stop_ms: 500 } }))
  process.env.CONET_CONFIG = join(directory.path, 'conetd.json')
  conetd = await ConetdProcess.start({ directory: directory.path, spawn: [] })
  const socketPath = join(directory.path, 'run/drivers/fake.sock')
  driver = await FakeDriver.start({ directory: directory.path, socketPath })
  await untilReady()
})

const creations = () => driver.calls().filter((method) => method === 'endpoint/create').length

const untilReady = () =>
  eventually(async () => {
    await using client = conetd.client()
    expect((await client.getDriver('fake')).state).toBe('ready')
  })

afterAll(async () => {
  delete process.env.CONET_CONFIG
  await driver?.[Symbol.asyncDispose]()
  await conetd?.[Symbol.asyncDispose]()
  if (directory !== undefined) releaseNamespaceDirectory(join(directory.path, 'run/sandboxes'))
  await directory?.[Symbol.asyncDispose]()
})

it('SIGTERM waits for an operation under way, and gives it up when its time is over: nothing is half done', async () => {
  const plug = { method: 'POST', path: '/containers/c/endpoints', body: { network: 'n' } }
  await httpCall(conetd.socket, { method: 'POST', path: '/networks', body: { name: 'n', type: 'fake' } })
  await httpCall(conetd.socket, { method: 'PUT', path: '/containers/c/config', body: { attach_to: [] } })

  driver.plan({ methods: { 'endpoint/create': { delayMs: 200 } } })
  const quick = httpCall(conetd.socket, plug)
  await eventually(() => creations() === 1)
  await conetd.stop()
  expect((await quick).status).toBe(201)

  await conetd.start()
  await untilReady()
  driver.plan({ methods: { 'endpoint/create': { hangs: true, ignoresAbort: true } } })
  const callsBefore = creations()
  const stuck = httpCall(conetd.socket, { ...plug, body: { network: 'n', name: 'stuck' } }).catch(
    () => 'cut off',
  )
  await eventually(() => creations() > callsBefore)
  const before = performance.now()
  await conetd.stop()
  expect(performance.now() - before).toBeLessThan(8_000)
  expect(await stuck).toBe('cut off')
  expect(readFileSync(conetd.logFile, 'utf8').match(/conetd: stopped/g)).toHaveLength(2)

  // A driver that is stuck for good needs a new process.
  driver.plan({})
  await driver.program.end('SIGKILL')
  await driver.restart()
  await conetd.start()
  await untilReady()
  await eventually(async () => {
    const shown = (await httpCall(conetd.socket, { path: '/containers/c' })).json()
    expect(shown).toMatchObject({ endpoints: [{ attachment: 'n', state: 'created' }] })
  })
  const again = await httpCall(conetd.socket, { ...plug, body: { network: 'n', name: 'stuck' } })
  expect([again.status, again.text]).toEqual([201, again.text])
})
