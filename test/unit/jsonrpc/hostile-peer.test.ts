// What a peer does when the other side is slow, greedy or wrong. The other side is a bare socket.

import { ConetError } from '@conet/sdk'
import type { PeerOptions } from '@conet/sdk/jsonrpc'
import { describe, expect, it } from 'vitest'
import { frame, latch, rawClient, recordingPeer, socketPair } from './socket-pair.ts'

const timeoutMs = 10_000

async function facing(options: Partial<PeerOptions> = {}) {
  const sockets = await socketPair()
  return { sockets, ...recordingPeer(sockets.near, options), client: rawClient(sockets.far) }
}

const request = (id: unknown, method = 'echo', params: unknown = {}) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

describe('a stream that is out of order closes its connection', () => {
  it('with protocolViolation, and says nothing more', async () => {
    const { sockets, closed, client } = await facing()
    await using _ = sockets
    client.send('Content-Length: 12abc\r\n\r\n{}', request(1))
    expect(ConetError.is(await closed, 'protocolViolation')).toBe(true)
    await client.closed
    expect(client.messages).toEqual([])
  })

  it('and fails the calls that were under way, with the violation as their cause', async () => {
    const { sockets, peer, client } = await facing()
    await using _ = sockets
    const call = peer.request('endpoint/plug', {}, { timeoutMs })
    client.send('nonsense\r\n\r\n')
    await expect(call).rejects.toMatchObject({
      kind: 'driverUnavailable',
      cause: { kind: 'protocolViolation' },
    })
  })

  it('while another connection of the same process goes on', async () => {
    const { sockets, closed, client } = await facing()
    const other = await facing()
    await using _ = sockets
    await using __ = other.sockets
    other.peer.onRequest(() => 'pong')
    client.send('nonsense\r\n\r\n')
    await closed
    other.client.send(request(1))
    expect(await other.client.received(1)).toEqual([{ jsonrpc: '2.0', id: 1, result: 'pong' }])
  })

  it('when a message is announced that is over the limit', async () => {
    const { sockets, closed, client } = await facing({ limits: { maxMessageBytes: 1000 } })
    await using _ = sockets
    client.send('Content-Length: 1001\r\n\r\n')
    expect(await closed).toMatchObject({ kind: 'protocolViolation', message: /1001/ })
  })

  it('when a header dribbles for longer than its limit', async () => {
    const { sockets, closed, client } = await facing({ limits: { headerTimeoutMs: 100 } })
    await using _ = sockets
    const dribble = setInterval(() => client.send('X'), 10)
    expect(await closed).toMatchObject({ message: /header was not whole after 100 ms/ })
    clearInterval(dribble)
  })

  it('when a body dribbles for longer than its limit', async () => {
    const { sockets, closed, client } = await facing({ limits: { bodyTimeoutMs: 100 } })
    await using _ = sockets
    client.send('Content-Length: 1000\r\n\r\n')
    const dribble = setInterval(() => client.send(' '), 10)
    expect(await closed).toMatchObject({ message: /body was not whole after 100 ms/ })
    clearInterval(dribble)
  })

  it('not when messages follow each other so that one is always unfinished', async () => {
    const { sockets, peer, client } = await facing({ limits: { headerTimeoutMs: 150, bodyTimeoutMs: 150 } })
    await using _ = sockets
    peer.onRequest(() => 'pong')
    const bytes = 'Content-Length: 44\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"m"       }'
    client.send(bytes.slice(0, 30))
    for (let count = 1; count <= 8; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      client.send(bytes.slice(30) + bytes.slice(0, 30))
      await client.received(count)
    }
    expect(peer.isOpen).toBe(true)
  })

  it('when it ends inside a message', async () => {
    const { sockets, closed, client } = await facing()
    await using _ = sockets
    client.send('Content-Length: 10\r\n\r\n{')
    sockets.far.end()
    expect(await closed).toMatchObject({ kind: 'protocolViolation', message: /ended inside a body/ })
  })

  it('in order when it ends between two messages', async () => {
    const { sockets, peer, closed, client } = await facing()
    await using _ = sockets
    client.send({ jsonrpc: '2.0', method: 'last' })
    const heard = new Promise((resolve) => peer.onNotification(resolve))
    sockets.far.end()
    expect(await heard).toBe('last')
    expect(await closed).toBeUndefined()
  })
})

describe('a message that can be neither served nor answered closes the connection', () => {
  const messages: Record<string, object> = {
    'without a version': { id: 1, method: 'm' },
    'of another version': { jsonrpc: '1.0', id: 1, method: 'm' },
    'whose id is null': request(null),
    'whose id is a fraction': request(1.5),
    'whose id is an object': request({}),
    'whose id is an empty string': request(''),
    'whose id is a very long string': request('x'.repeat(300)),
    'whose method is a number': { jsonrpc: '2.0', id: 1, method: 1 },
    'whose method is empty': request(1, ''),
    'that is neither request nor reply': { jsonrpc: '2.0', id: 1 },
    'with result and error': { jsonrpc: '2.0', id: 1, result: 1, error: { code: 1, message: '' } },
    'with an error that is no object': { jsonrpc: '2.0', id: 1, error: 'no' },
    'with an error without a code': { jsonrpc: '2.0', id: 1, error: { message: 'no' } },
    'with an error for the id null': { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } },
  }
  for (const [name, message] of Object.entries(messages)) {
    it(name, async () => {
      const { sockets, closed, client } = await facing()
      await using _ = sockets
      client.send(message)
      expect(await closed).toMatchObject({ kind: 'protocolViolation' })
    })
  }
})

describe('a request of the other side', () => {
  it('may have a string or an integer as its id, and members that nobody knows', async () => {
    const { sockets, peer, client } = await facing()
    await using _ = sockets
    peer.onRequest((_method, params) => params)
    client.send({ ...request('a-1', 'm', { x: 1 }), extra: true }, request(-7, 'm'), {
      jsonrpc: '2.0',
      id: 0,
      method: 'm',
    })
    expect(await client.received(3)).toEqual([
      { jsonrpc: '2.0', id: 'a-1', result: { x: 1 } },
      { jsonrpc: '2.0', id: -7, result: {} },
      { jsonrpc: '2.0', id: 0, result: null },
    ])
  })

  it.each([[[[1, 2]]], [null], ['text'], [1]])('with params %j is refused with -32602', async (params) => {
    const { sockets, peer, client } = await facing()
    await using _ = sockets
    const served: unknown[] = []
    peer.onRequest((_method, ...rest) => served.push(rest))
    client.send(request(1, 'm', params))
    expect(await client.received(1)).toMatchObject([{ id: 1, error: { code: -32602 } }])
    expect(served).toEqual([])
  })

  it('with a reserved name is -32601, unless the owner knows it', async () => {
    const { sockets, peer, client } = await facing({ reservedMethods: ['$/ping'] })
    await using _ = sockets
    peer.onRequest((method) => method)
    client.send(request(1, '$/what'), request(2, '$/ping'))
    expect(await client.received(2)).toMatchObject([
      { id: 1, error: { code: -32601 } },
      { id: 2, result: '$/ping' },
    ])
  })

  it('with the id of one under way gets no answer of its own and is a violation', async () => {
    const { sockets, peer, client, violations } = await facing()
    await using _ = sockets
    const { promise, resolve } = latch<string>()
    let served = 0
    peer.onRequest((method) => {
      if (method === 'other') return 'other'
      served += 1
      return promise
    })
    client.send(request(1), request(1), request('1'), request(2, 'other'))
    await client.received(1)
    resolve('first')
    expect(await client.received(2)).toMatchObject([
      { id: 2, result: 'other' },
      { id: 1, result: 'first' },
    ])
    expect({ served, violations: violations.length }).toEqual({ served: 1, violations: 2 })
    client.send(request(1))
    expect(await client.received(3)).toMatchObject([{}, {}, { id: 1, result: 'first' }])
  })

  it('is cancelled by id before its handler starts as well as after, and gets one answer', async () => {
    const { sockets, peer, client } = await facing()
    await using _ = sockets
    peer.onRequest(async (_method, _params, { signal }) => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    })
    const cancel = { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 'x' } }
    client.send(request('x'), cancel, cancel)
    expect(await client.received(1)).toMatchObject([{ id: 'x', error: { code: 1202 } }])
    client.send(request('x'))
    client.send(cancel, request('y'), { ...cancel, params: { id: 'y' } })
    const messages = await client.received(3)
    expect(messages.map((message) => JSON.stringify(message).includes('1202'))).toEqual([true, true, true])
    expect(peer.violations).toBe(0)
  })

  it('beyond the limit is overloaded, and served again once others have ended', async () => {
    const { sockets, peer, client } = await facing({ limits: { maxInFlight: 3 } })
    await using _ = sockets
    const { promise, resolve } = latch<void>()
    peer.onRequest(async () => {
      await promise
      return 'ok'
    })
    client.send(...[1, 2, 3, 4, 5].map((id) => request(id)))
    expect(await client.received(2)).toMatchObject([
      { id: 4, error: { code: 1103, data: { name: 'overloaded', retryable: true } } },
      { id: 5, error: { code: 1103 } },
    ])
    resolve()
    await client.received(5)
    client.send(request(6))
    expect((await client.received(6)).at(-1)).toEqual({ jsonrpc: '2.0', id: 6, result: 'ok' })
  })

  it('that is urgent takes no place of the others', async () => {
    const { sockets, peer, client } = await facing({ limits: { maxInFlight: 1 }, urgentMethods: ['ping'] })
    await using _ = sockets
    const { promise, resolve } = latch<void>()
    peer.onRequest((method) => (method === 'ping' ? promise : 'ok'))
    client.send(request(1, 'ping'), request(2, 'ping'), request(3))
    expect(await client.received(1)).toEqual([{ jsonrpc: '2.0', id: 3, result: 'ok' }])
    resolve()
    await client.received(3)
  })

  it('in a flood of ten thousand gets one answer each, and never more are under way than allowed', async () => {
    const { sockets, peer, client } = await facing({ limits: { maxInFlight: 50 } })
    await using _ = sockets
    let underWay = 0
    let most = 0
    peer.onRequest(async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
    })
    client.send(...Array.from({ length: 10_000 }, (_unused, id) => request(id)))
    await client.received(10_000)
    expect(client.messages).toHaveLength(10_000)
    expect(most).toBeLessThanOrEqual(50)
  })
})

describe('what has no answer', () => {
  it('is ignored when its name is reserved or unknown, and a violation when it is malformed', async () => {
    const { sockets, peer, client, violations } = await facing({ reservedMethods: ['$/progress'] })
    await using _ = sockets
    const heard: unknown[] = []
    peer.onNotification((method, params) => heard.push([method, params]))
    peer.onRequest(() => 'pong')
    const notification = (method: string, params?: unknown) => ({ jsonrpc: '2.0', method, params })
    client.send(
      notification('$/what', { a: 1 }),
      notification('$/logTrace', { message: 'x' }),
      notification('$/progress'),
      notification('event', ['positional']),
      notification('$/cancelRequest'),
      notification('$/cancelRequest', { id: null }),
      notification('$/cancelRequest', { id: 99 }),
      notification('event', { seq: 1 }),
      request(1),
    )
    expect(await client.received(1)).toMatchObject([{ id: 1, result: 'pong' }])
    expect(heard).toEqual([
      ['$/progress', undefined],
      ['event', { seq: 1 }],
    ])
    expect(violations).toHaveLength(3)
  })

  it('is counted and ignored when it answers nothing, or answers twice', async () => {
    const { sockets, peer, client, violations } = await facing()
    await using _ = sockets
    const call = peer.request('m', {}, { timeoutMs })
    const sent = await client.received(1)
    const { id } = Object(sent[0])
    const reply = { jsonrpc: '2.0', id, result: 'mine' }
    client.send({ ...reply, id: 4711 }, { ...reply, id: String(id) }, reply, { ...reply, result: 'twice' })
    expect(await call).toBe('mine')
    expect(violations).toHaveLength(3)
    expect(violations[0]).toMatchObject({ kind: 'protocolViolation', message: /4711/ })
  })
})

describe('a side that does not read', () => {
  const limits = { maxBacklogBytes: 100_000, backlogTimeoutMs: 200 }
  const text = 'x'.repeat(200_000)

  it('gets no new calls once its backlog is full, and is cut when it stays so', async () => {
    await using sockets = await socketPair()
    const { peer, closed } = recordingPeer(sockets.near, { limits })
    sockets.far.pause()
    const calls: Promise<unknown>[] = []
    // The kernel takes the first few; each turn lets it take what it can.
    while (sockets.near.writableLength <= limits.maxBacklogBytes) {
      calls.push(peer.request('m', { text }, { timeoutMs }).catch((error: unknown) => error))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expect(peer.request('m', {}, { timeoutMs })).rejects.toMatchObject({
      kind: 'overloaded',
      operationState: 'not-started',
    })
    expect(sockets.near.writableLength).toBeLessThan(1_000_000)
    expect(await closed).toMatchObject({ kind: 'overloaded', message: /left .* bytes unread for 200 ms/ })
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ kind: 'driverUnavailable' })
  })

  it('but floods with requests makes no heap of answers or refusals', async () => {
    await using sockets = await socketPair()
    const { peer, closed } = recordingPeer(sockets.near, { limits: { ...limits, maxInFlight: 4 } })
    peer.onRequest(() => text)
    let most = 0
    const sampling = setInterval(() => {
      most = Math.max(most, sockets.near.writableLength)
    }, 1)
    sockets.far.pause().on('error', () => undefined)
    sockets.far.write(Array.from({ length: 30_000 }, (_unused, id) => frame(request(id))).join(''))
    expect(await closed).toMatchObject({ kind: 'overloaded' })
    clearInterval(sampling)
    expect(most).toBeGreaterThan(limits.maxBacklogBytes)
    // Four times the backlog, four answers, and the refusals of one chunk; all refusals together would be six megabytes.
    expect(most).toBeLessThan(1_500_000)
  })

  it('for a while is served again when it reads on', async () => {
    const { sockets, peer, client } = await facing({ limits: { ...limits, backlogTimeoutMs: 10_000 } })
    await using _ = sockets
    peer.onRequest(() => text)
    sockets.far.pause()
    let sent = 0
    while (sockets.near.writableLength <= limits.maxBacklogBytes) {
      client.send(request(++sent))
      await new Promise((resolve) => setImmediate(resolve))
    }
    sockets.far.resume()
    await client.received(sent)
    client.send(request(0))
    expect((await client.received(sent + 1)).at(-1)).toMatchObject({ id: 0, result: text })
  })
})

it('a side that talks unasked is slowed while calls to it are under way, too', async () => {
  const { sockets, peer, client } = await facing({ pace: { perSecond: 1_000, burst: 10 } })
  await using _ = sockets
  let heard = 0
  peer.onNotification(() => (heard += 1))
  const calling = setInterval(() => {
    peer.request('m', {}, { timeoutMs }).catch(() => undefined)
  }, 1)
  const startedMs = performance.now()
  const params = { text: 'x'.repeat(8 * 1024) }
  client.send(...Array.from({ length: 200 }, () => ({ jsonrpc: '2.0', method: 'chatter', params })))
  await expect.poll(() => heard, { timeout: timeoutMs }).toBe(200)
  clearInterval(calling)
  // Each counts as five: a second's worth.
  expect(performance.now() - startedMs).toBeGreaterThan(500)
})
