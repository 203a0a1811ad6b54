// What happened: as a stream that goes on over a restart of conetd, and as the journal of each container.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { promisify } from 'node:util'
import type { EventView } from '@conet/sdk/client'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start()
  fake = await fixture.startFakeDriver()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  fake.plan({})
  await fixture.removeEverything()
})

/** Follows the events until it is disposed. */
function follow(since: number) {
  const seen: EventView[] = []
  const ending = new AbortController()
  const followed = { seen, resyncs: 0, [Symbol.dispose]: () => ending.abort() }
  const onResync = () => {
    followed.resyncs += 1
  }
  const read = async () => {
    for await (const event of fixture.client.events({ since, signal: ending.signal, onResync }))
      seen.push(event)
  }
  void read()
  return followed
}

/** Of a stream that says nothing of what it saw last. */
async function openingId(): Promise<number> {
  const stream = request({ socketPath: fixture.conetd.socket, path: '/events' }).end()
  const [response]: IncomingMessage[] = await once(stream, 'response')
  let text = ''
  response?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const id = await eventually(() => /^id: ([0-9]+)\n\n/m.exec(text)?.[1] ?? false)
  stream.destroy()
  return Number(id)
}

const define = (handle: string) => fixture.client.putContainerConfig(handle, { attach_to: [] })
const typesOf = async (handle: string) =>
  (await fixture.client.getContainerEvents(handle)).events.map(({ type }) => type)

it('[B26] a stream goes on over a restart in order, from the last event seen, without a gap', async () => {
  using stream = follow(0)
  await define('a')
  await eventually(() => stream.seen.some(({ container }) => container === 'a'))
  await fixture.conetd.stop()
  await fixture.start()
  await define('b')
  await eventually(() => stream.seen.some(({ container }) => container === 'b'))
  const ids = stream.seen.map(({ id }) => id)
  expect(ids).toEqual(ids.map((_, n) => (ids[0] ?? 0) + n))
  expect(stream.resyncs).toBe(0)
})

it('who has had no event yet goes on over a restart from the id with which the stream opened', async () => {
  await define('before')
  const id = await openingId()
  await fixture.conetd.stop()
  await fixture.start()
  await define('after')
  using stream = follow(id)
  await eventually(() => stream.seen.some(({ container }) => container === 'after'))
  expect(stream.seen[0]?.id).toBe(id + 1)
  expect(stream.seen.map(({ container }) => container)).not.toContain('before')
  expect(stream.resyncs).toBe(0)
})

it('after a crash who comes back is told that events are lost, and the state is to be read anew', async () => {
  using stream = follow(0)
  await define('a')
  await eventually(() => stream.seen.some(({ container }) => container === 'a'))
  await fixture.kill()
  await fixture.start()
  await eventually(() => stream.resyncs > 0)
  await define('b')
  await eventually(() => stream.seen.some(({ container }) => container === 'b'))
})

it('a container’s journal has what failed with its error, outlives conetd and the container', async () => {
  await fixture.client.createNetwork({ name: 'odd', type: 'fake' })
  await fixture.client.putContainerConfig('c', { attach_to: ['odd'] })
  fake.plan({ methods: { 'endpoint/plug': { error: { kind: 'backendUnavailable', message: 'no luck' } } } })
  await expect(fixture.client.up('c')).rejects.toMatchObject({ kind: 'backendUnavailable' })
  fake.plan({})
  await fixture.client.up('c')
  const expected = [
    'container.created',
    'endpoint.removed',
    'container.up-failed',
    'endpoint.plugged',
    'container.up',
  ]
  const { events } = await fixture.client.getContainerEvents('c')
  expect(events.map(({ type }) => type)).toEqual(expected)
  expect(events[2]).toMatchObject({
    message: expect.stringContaining('no luck'),
    error: { kind: 'backendUnavailable', retryable: true },
  })
  await fixture.conetd.stop()
  await fixture.start()
  expect(await typesOf('c')).toEqual(expected)
  await fixture.client.deleteContainer('c')
  expect((await typesOf('c')).slice(-2)).toEqual(['container.down', 'container.removed'])
  const { stdout } = await promisify(execFile)(process.execPath, [
    conetProgram,
    ...['--socket', fixture.conetd.socket, 'container', 'events', 'c'],
  ])
  expect(stdout).toMatch(/container\.up-failed container=c .*no luck/)
})

it('a journal has the failures of a handle without a container, and only so many events', async () => {
  await expect(fixture.client.up('never')).rejects.toMatchObject({ kind: 'notFound' })
  expect(await typesOf('never')).toEqual(['container.up-failed'])
  await expect(fixture.client.getContainerEvents('nobody')).rejects.toMatchObject({ kind: 'notFound' })
  for (let n = 0; n < 70; n++) await define('busy')
  const types = await typesOf('busy')
  expect(types).toHaveLength(64)
  expect(new Set(types)).toEqual(new Set(['container.configured']))
})

it('an up that a down ends says that the container was taken down meanwhile', async () => {
  await fixture.client.createNetwork({ name: 'slow', type: 'fake' })
  await fixture.client.putContainerConfig('race', { attach_to: ['slow'] })
  fake.plan({ methods: { 'endpoint/plug': { hangs: true } } })
  const up = expect(fixture.client.up('race')).rejects.toMatchObject({
    kind: 'cancelled',
    message: expect.stringContaining('up race: the container was taken down meanwhile'),
  })
  await eventually(() => fake.calls().at(-1) === 'endpoint/plug')
  await fixture.client.down('race')
  await up
})
