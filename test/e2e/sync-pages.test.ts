// What conetd tells a driver: in pages that the driver can take, and with what came with the client's request.
import { join } from 'node:path'
import type { SyncParams } from '@conet/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { HostUnderTest } from '../support/host-under-test.ts'
import { introduction, ScriptedDriver } from '../support/scripted-driver.ts'

const maxMessageBytes = 4_096

const nothing = {
  repaired: [],
  failed: [],
  plugged: [],
  unknown: { networkIds: [], endpoints: [] },
}

let host: HostUnderTest
let driver: ScriptedDriver

beforeAll(async () => {
  host = await HostUnderTest.start('null')
  driver = await ScriptedDriver.listen(join(host.directory, 'run/drivers/paged.sock'), 'paged', {
    initialize: () => ({ ...introduction('paged'), limits: { maxMessageBytes } }),
    'driver/sync': () => nothing,
    'endpoint/delete': () => ({}),
    'endpoint/unplug': () => ({}),
  })
  await eventually(async () => {
    const { drivers } = await host.done<{ drivers: { state: string }[] }>({ path: '/drivers' })
    expect(drivers.map(({ state }) => state)).toEqual(['ready', 'ready'])
  })
})

/** One endpoint of the other driver is made and goes. */
async function plugAtOther(): Promise<void> {
  const plugged = { method: 'POST', path: '/containers/other/endpoints', body: { network: 'other' } } as const
  const { id } = await host.done<{ id: string }>(plugged)
  await host.done({ method: 'DELETE', path: `/containers/other/endpoints/${id}` })
}

async function prepareOther(): Promise<void> {
  await host.done({ method: 'POST', path: '/networks', body: { name: 'other', type: 'null' } })
  await host.done({ method: 'PUT', path: '/containers/other/config', body: { attach_to: [] } })
  await host.done({ method: 'POST', path: '/internal/containers/other/up', body: {} })
}

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

it('what has changed since it was told is told as it is now', async () => {
  const body = { attach_to: ['n0'], labels: { tier: 'db' } }
  await host.done({ method: 'PUT', path: '/containers/c0/config', body })
  const before = pages().length
  driver.cut()
  await eventually(() => expect(pages().slice(before).at(-1)?.more).toBe(false))
  const containers = pages()
    .slice(before)
    .flatMap(({ endpoints }) => endpoints.map(({ container }) => container))
  expect(containers.find(({ handle }) => handle === 'c0')?.labels).toEqual({ tier: 'db' })
  expect(containers.find(({ handle }) => handle === 'c1')?.labels).toEqual({})
})

it('while one driver is told, another one works for its containers, and notices come through in their order', async () => {
  await prepareOther()
  const held: ((answer: unknown) => void)[] = []
  const before = pages().length
  driver.answer('driver/sync', () => new Promise((resolve) => held.push(resolve)))
  driver.cut()
  let said = 0
  const say = (count: number) => {
    for (let n = 0; n < count; n++) driver.notify('driver/event', { type: 'tick', message: String(said++) })
  }
  let rounds = 0
  // Every page is held until something else was done, and said.
  await eventually(
    async () => {
      const goOn = held.shift()
      if (goOn !== undefined) {
        say(50)
        await plugAtOther()
        rounds += 1
        goOn(nothing)
      }
      expect(pages().slice(before).at(-1)?.more).toBe(false)
      expect(held).toEqual([])
    },
    { timeoutMs: 20_000 },
  )
  say(50)
  expect(rounds).toBe(pages().length - before)
  const heard: string[] = []
  await using client = host.conetd.client()
  for await (const { type, message = '' } of client.events({ since: 0 })) {
    if (type === 'driver.event') heard.push(message)
    if (heard.length === said) break
  }
  expect(heard).toEqual(Array.from({ length: said }, (_, n) => `tick: ${n}`))
})

it('what a driver says at a sync of the objects of another one is not acted upon, and a flood of unknown ones is removed', async () => {
  const { id: networkId } = await host.done<{ id: string }>({ path: '/networks/other' })
  const { id: endpointId } = await host.done<{ id: string }>({
    method: 'POST',
    path: '/containers/other/endpoints',
    body: { network: 'other' },
  })
  const strangers = Array.from({ length: 2_000 }, (_, n) => n.toString(16).padStart(64, '0'))
  const known = [...strangers, ...strangers, networkId]
  const error = { name: 'internal', message: 'x'.repeat(100_000) }
  driver.answer('driver/sync', (params) =>
    params?.more === true
      ? nothing
      : {
          ...nothing,
          failed: [
            { networkId, error },
            { networkId, endpointId, error },
          ],
          plugged: [
            {
              networkId,
              endpointId,
              result: { interfaces: [], dns: { servers: ['6.6.6.6'], search: [], options: [] } },
            },
          ],
          unknown: { networkIds: known, endpoints: [{ networkId, endpointId }] },
        },
  )
  const read = async () => JSON.stringify(await host.done({ path: '/containers/other' }))
  const picture = await read()
  driver.cut()
  await eventually(() => expect(driver.timesHeard('network/delete')).toBe(strangers.length), {
    timeoutMs: 20_000,
  })
  await eventually(async () => {
    const { state } = await host.done<{ state: string }>({ path: '/drivers/paged' })
    expect(state).toBe('ready')
  })
  expect(await read()).toBe(picture)
  expect(driver.timesHeard('endpoint/delete')).toBe(0)
  await host.isWell()
})
