// The events of the client against a real server of server-sent events.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConetClient, ConetError, type EventView } from '@conet/sdk/client'
import { expect, it } from 'vitest'
import { fakeHost, refusal } from './fake-host.ts'

const event = (id: number): EventView => ({ id, time: '2026-01-02T03:04:05.000Z', type: 'network.created' })

const message = (id: number): string => `id: ${id}\ndata: ${JSON.stringify(event(id))}\n\n`

function opened(response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': hello\n\n')
  return response
}

async function take(stream: AsyncIterable<EventView>, count: number): Promise<number[]> {
  const ids: number[] = []
  for await (const { id } of stream) {
    ids.push(id)
    if (ids.length === count) break
  }
  return ids
}

it('yields events in order, however they are cut into pieces', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  host.raw = (_request, response) => {
    opened(response)
    for (const letter of message(1) + message(2)) response.write(letter)
  }
  expect(await take(client.events(), 2)).toEqual([1, 2])
})

it('asks for what came after `since`', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  let asked: IncomingMessage | undefined
  host.raw = (request, response) => {
    asked = request
    opened(response).write(message(8))
  }
  expect(await take(client.events({ since: 7 }), 1)).toEqual([8])
  expect(asked?.url).toBe('/events')
  expect(asked?.headers['last-event-id']).toBe('7')
})

it('goes on from the last event seen when the connection ends, politely or not', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  const asked: unknown[] = []
  host.raw = ({ headers, socket }, response) => {
    asked.push(headers['last-event-id'])
    opened(response)
    if (asked.length === 1) return response.end(message(1))
    if (asked.length === 2) return response.write(message(2), () => socket.destroy())
    response.write(message(3))
  }
  let disconnects = 0
  expect(await take(client.events({ onDisconnect: () => disconnects++ }), 3)).toEqual([1, 2, 3])
  expect(disconnects).toBe(2)
  expect(asked).toEqual([undefined, '1', '2'])
})

it('goes on from the id with which the stream opened when no event had come yet, however it is cut', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  const asked: unknown[] = []
  host.raw = ({ headers }, response) => {
    asked.push(headers['last-event-id'])
    opened(response)
    if (asked.length > 1) return response.write(message(8))
    for (const letter of 'id: 7\n\n') response.write(letter)
    response.end()
  }
  expect(await take(client.events(), 1)).toEqual([8])
  expect(asked).toEqual([undefined, '7'])
})

it('goes on when the host comes back after a while', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  host.raw = (_request, response) => opened(response).write(message(1))
  const ids: number[] = []
  for await (const { id } of client.events()) {
    ids.push(id)
    if (ids.length === 2) break
    await host.stop()
    host.raw = (_request, response) => opened(response).write(message(2))
    setTimeout(() => void host.start(), 50)
  }
  expect(ids).toEqual([1, 2])
})

it('fails when there is no host to begin with', async () => {
  await using client = new ConetClient({ socketPath: '/nowhere/conetd.sock' })
  const failure = await take(client.events(), 1).catch((error: unknown) => error)
  expect(ConetError.is(failure, 'hostUnavailable')).toBe(true)
})

it('fails with the host’s own problem', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  host.raw = (_request, response) => {
    const { status, body } = refusal(400, { kind: 'invalidArgument', detail: 'follow events: no such id' })
    response.writeHead(status ?? 0).end(JSON.stringify(body))
  }
  await expect(take(client.events({ since: 9 }), 1)).rejects.toThrow('follow events: no such id')
})

it('fails when the head of the answer never comes', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient({ ...host, timeoutMs: 20 })
  host.raw = () => {}
  await expect(take(client.events(), 1)).rejects.toThrow('follow events: no answer within 20 ms')
})

it('outlives the deadline of its head', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient({ ...host, timeoutMs: 200 })
  host.raw = (_request, response) => {
    opened(response)
    setTimeout(() => response.write(message(1)), 300)
  }
  expect(await take(client.events(), 1)).toEqual([1])
})

it('ends without an error when its signal aborts, and its connection with it', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  const stop = new AbortController()
  const closed = new Promise<void>((resolve) => {
    host.raw = ({ socket }, response) => {
      socket.once('close', () => resolve())
      opened(response).write(message(1))
    }
  })
  const ids: number[] = []
  for await (const { id } of client.events({ signal: stop.signal })) {
    ids.push(id)
    stop.abort()
  }
  expect(ids).toEqual([1])
  await closed
})

it('ends when the client closes', async () => {
  await using host = await fakeHost()
  const client = new ConetClient(host)
  host.raw = (_request, response) => opened(response).write(message(1))
  const ids: number[] = []
  for await (const { id } of client.events()) {
    ids.push(id)
    await client.close()
  }
  expect(ids).toEqual([1])
})

it('tells that events were lost, and goes on', async () => {
  await using host = await fakeHost()
  await using client = new ConetClient(host)
  host.raw = (_request, response) => opened(response).write(`event: resync\ndata: {}\n\n${message(9)}`)
  let resyncs = 0
  expect(await take(client.events({ since: 3, onResync: () => resyncs++ }), 1)).toEqual([9])
  expect(resyncs).toBe(1)
})
