// The client and the command line against the host's own HTTP server, its operations given by the test.
import { join } from 'node:path'
import type { Operations } from '@conet/host/api/api-context'
import { listenOn } from '@conet/host/api/standing-socket'
import { ConetError } from '@conet/sdk'
import { ConetClient, runtimeSocketPath } from '@conet/sdk/client'
import { expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { conet } from '../../support/run-conet.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { apiFixture, container, endpoint, networkId } from '../host/api/api-fixture.ts'

async function realServer(operations: Partial<Operations> = {}) {
  const directory = await temporaryDirectory()
  const socketPath = join(directory.path, 'conetd.sock')
  const clients = await apiFixture(operations)
  const runtime = await apiFixture(operations, { family: 'runtime' })
  await listenOn(clients.app, { path: socketPath, mode: 0o600 })
  await listenOn(runtime.app, { path: runtimeSocketPath(socketPath), mode: 0o600 })
  return {
    socketPath,
    feed: clients.feed,
    async [Symbol.asyncDispose]() {
      await clients[Symbol.asyncDispose]()
      await runtime[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

it('a call with the same Idempotency-Key makes one thing', async () => {
  let made = 0
  const plug = async () => {
    made += 1
    return endpoint
  }
  await using server = await realServer({ plug })
  await using client = new ConetClient(server)
  const first = await client.plug('web', { network: 'blue' }, { idempotencyKey: 'k1' })
  expect(await client.plug('web', { network: 'blue' }, { idempotencyKey: 'k1' })).toEqual(first)
  expect(made).toBe(1)
  await client.plug('web', { network: 'blue' })
  expect(made).toBe(2)
})

it('a wrong field comes back by its name, a refusal with its help and details', async () => {
  const createNetwork = () =>
    Promise.reject(
      new ConetError('unknownDriver', 'create network x: no driver "y"', { help: 'known: null' }),
    )
  await using server = await realServer({ createNetwork })
  await using client = new ConetClient(server)
  const wrong = await client.createNetwork({ name: '../x', type: 'null' }).catch((error: unknown) => error)
  expect(ConetError.is(wrong, 'invalidArgument') && wrong.fields[0]?.path).toBe('name')
  expect(await conet(['net', 'create', 'x', '-d', 'y'], server)).toEqual({
    code: 3,
    out: '',
    err: 'conet: create network x: no driver "y"\ntry: known: null\n',
  })
})

it('up and down go through the runtime socket', async () => {
  await using server = await realServer({ up: async () => container, down: async () => 'gone' })
  expect(await conet(['container', 'up', 'web'], server)).toMatchObject({ code: 0, out: '/run/conet/ns/f\n' })
  expect(await conet(['container', 'down', 'web'], server)).toMatchObject({ code: 0, out: 'web\n' })
})

it('[C10] [C13] networks and containers are shown with each other, by ids', async () => {
  await using server = await realServer()
  const page = await conet(['net', 'inspect', networkId.slice(0, 8)], server)
  expect(page).toMatchObject({ code: 0, err: '' })
  expect(page.out).toMatch(/^ {2}web +eth0 +02:42:0a:01:00:02 +10\.1\.0\.2\/16 +eeeeeeeeeeee +plugged$/m)
  const shown = await conet(['container', 'inspect', 'web'], server)
  expect(shown.out).toMatch(/^ {2}blue +blue +aaaaaaaaaaaa +eeeeeeeeeeee +plugged$/m)
  expect((await conet(['net', 'list'], server)).out).toMatch(
    /^aaaaaaaaaaaa +blue +null +\{"team":"red"\} +web$/m,
  )
})

it('events are followed, from those that were missed on', async () => {
  await using server = await realServer()
  await using client = new ConetClient(server)
  server.feed.push('a')
  server.feed.push('b')
  const types: string[] = []
  for await (const { type } of client.events({ since: 1 })) {
    types.push(type)
    if (type === 'b') server.feed.push('c')
    if (type === 'c') break
  }
  expect(types).toEqual(['b', 'c'])
  await eventually(() => server.feed.listeners.size === 0)
})

it('events that the host no longer has are told as lost', async () => {
  await using server = await realServer()
  await using client = new ConetClient(server)
  let resyncs = 0
  const onResync = () => {
    resyncs += 1
    server.feed.push('d')
  }
  for await (const { type } of client.events({ since: 99, onResync })) {
    expect(type).toBe('d')
    break
  }
  expect(resyncs).toBe(1)
})

it('a handle with a slash and a query in it stays one member of the path', async () => {
  const handles: string[] = []
  const deleteContainer = async (handle: string) => {
    handles.push(handle)
    return 'gone' as const
  }
  await using server = await realServer({ removeContainer: deleteContainer, down: deleteContainer })
  await using client = new ConetClient(server)
  await client.down('a/b?c=1#ü%2e', {})
  expect(handles).toEqual(['a/b?c=1#ü%2e'])
  const refused = await client.deleteContainer('../networks').catch((error: unknown) => error)
  expect(ConetError.is(refused, 'invalidArgument')).toBe(true)
})
