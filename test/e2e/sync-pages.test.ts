// What conetd tells a driver: in pages that the driver can take, and with what came with the client's request.
import { join } from 'node:path'
import type { SyncParams } from '@conet/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { HostUnderTest } from '../support/host-under-test.ts'
import { introduction, ScriptedDriver } from '../support/scripted-driver.ts'

const maxMessageBytes = 4_096

let host: HostUnderTest
let driver: ScriptedDriver

beforeAll(async () => {
  host = await HostUnderTest.start()
  const answer = () => ({
    repaired: [],
    failed: [],
    plugged: [],
    unknown: { networkIds: [], endpoints: [] },
  })
  driver = await ScriptedDriver.listen(join(host.directory, 'run/drivers/paged.sock'), 'paged', {
    initialize: () => ({ ...introduction('paged'), limits: { maxMessageBytes } }),
    'driver/sync': answer,
    'endpoint/delete': () => ({}),
  })
  await eventually(async () => {
    const { drivers } = await host.done<{ drivers: { state: string }[] }>({ path: '/drivers' })
    expect(drivers.map(({ state }) => state)).toEqual(['ready'])
  })
})

afterAll(async () => {
  await driver?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})

const pages = (): SyncParams[] =>
  driver.heard
    .filter(({ method }) => method === 'driver/sync')
    .map(({ params }) => JSON.parse(JSON.stringify(params)))

it('the trace of a request reaches the driver as it came, and one that is none does not', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const make = (name: string, headers: Record<string, string>) =>
    host.done({ method: 'POST', path: '/networks', body: { name, type: 'paged' }, headers })
  await make('traced', { traceparent, tracestate: 'vendor=1' })
  await make('untraced', { traceparent: 'nonsense', tracestate: 'vendor=1' })
  const metas = driver.heard
    .filter(({ method }) => method === 'network/create')
    .map(({ params }) => params?._meta)
  expect(metas).toMatchObject([
    { attempt: 1, traceparent, tracestate: 'vendor=1' },
    { attempt: 1, operationId: expect.any(String) },
  ])
  expect(metas[1]).not.toHaveProperty('traceparent')
  expect(metas[1]).not.toHaveProperty('tracestate')
})

it('a driver that takes small messages is told everything in small pages, networks before their endpoints', async () => {
  for (let n = 0; n < 20; n++) {
    await host.done({ method: 'POST', path: '/networks', body: { name: `n${n}`, type: 'paged' } })
    await host.done({ method: 'PUT', path: `/containers/c${n}/config`, body: { attach_to: [] } })
    await host.done({ method: 'POST', path: `/containers/c${n}/endpoints`, body: { network: `n${n}` } })
  }
  const before = pages().length
  driver.cut()
  await eventually(() => expect(pages().slice(before).at(-1)?.more).toBe(false))
  const told = pages().slice(before)
  expect(told.length).toBeGreaterThan(3)
  for (const page of told)
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(maxMessageBytes)
  expect(new Set(told.map(({ syncId }) => syncId)).size).toBe(1)
  expect(told.map(({ more }) => more)).toEqual([...told.slice(1).map(() => true), false])
  const names = told.flatMap(({ networks }) => networks.map(({ name }) => name))
  expect(new Set(names)).toEqual(
    new Set(['traced', 'untraced', ...Array.from({ length: 20 }, (_, n) => `n${n}`)]),
  )
  const handles = told.flatMap(({ endpoints }) => endpoints.map(({ container }) => container.handle))
  expect(new Set(handles)).toEqual(new Set(Array.from({ length: 20 }, (_, n) => `c${n}`)))
  expect(told.findIndex(({ endpoints }) => endpoints.length > 0)).toBeGreaterThanOrEqual(
    told.findLastIndex(({ networks }) => networks.length > 0),
  )
})
