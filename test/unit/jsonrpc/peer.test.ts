import { setTimeout as delay } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import type { JsonObject } from '@conet/sdk/jsonrpc'
import { describe, expect, it } from 'vitest'
import { latch, recordingPeer, socketPair } from './socket-pair.ts'

const timeoutMs = 10_000

async function peerPair() {
  const sockets = await socketPair()
  return { sockets, near: recordingPeer(sockets.near), far: recordingPeer(sockets.far) }
}

/** A handler that ends only with its signal, and tells what that gave as reason. */
function hangingHandler() {
  const { promise: reason, resolve } = latch<unknown>()
  const { promise: running, resolve: started } = latch<void>()
  const handler = async (_method: string, _params: unknown, { signal }: { signal: AbortSignal }) => {
    started()
    try {
      await delay(60_000, undefined, { signal })
    } finally {
      resolve(signal.reason)
    }
  }
  return { handler, reason, running }
}

describe('a call', () => {
  it('gets the result that the other side returns, and null for undefined', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    far.peer.onRequest((method, params) => (method === 'echo' ? params : undefined))
    expect(await near.peer.request('echo', { a: ['ü', null] }, { timeoutMs })).toEqual({ a: ['ü', null] })
    expect(await near.peer.request('nothing', undefined, { timeoutMs })).toBeNull()
  })

  it('works in both directions at once', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    far.peer.onRequest(async () => `far: ${await far.peer.request('name', {}, { timeoutMs })}`)
    near.peer.onRequest(() => 'near')
    expect(await near.peer.request('ask', {}, { timeoutMs })).toBe('far: near')
  })

  it('is rejected with the failure that the handler threw', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    far.peer.onRequest(() => {
      throw new ConetError('inUse', 'delete network n1: e1 uses it', { details: { endpointId: 'e1' } })
    })
    await expect(near.peer.request('network/delete', {}, { timeoutMs })).rejects.toMatchObject({
      kind: 'inUse',
      message: 'delete network n1: e1 uses it',
      details: { endpointId: 'e1' },
    })
  })

  it('has the time that it is given while it waits, and no more', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { handler } = hangingHandler()
    far.peer.onRequest(handler)
    let extend: (timeoutMs: number) => void = () => undefined
    const since = performance.now()
    const call = near.peer.request('slow', {}, { timeoutMs: 60_000, onSent: (given) => (extend = given) })
    extend(30)
    await expect(call).rejects.toMatchObject({
      kind: 'deadlineExceeded',
      message: expect.stringContaining('30 ms'),
    })
    expect(performance.now() - since).toBeLessThan(10_000)
    extend(30)
  })

  it('learns nothing of a bug in the handler, whose owner learns all', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const bug = new TypeError('secret')
    far.peer.onRequest(() => {
      throw bug
    })
    await expect(near.peer.request('m', {}, { timeoutMs })).rejects.toMatchObject({
      kind: 'internal',
      message: 'internal error',
    })
    expect(far.errors).toEqual([bug])
  })

  it('is refused by a peer without a handler as an unknown method', async () => {
    const { sockets, near } = await peerPair()
    await using _ = sockets
    await expect(near.peer.request('m', {}, { timeoutMs })).rejects.toMatchObject({
      kind: 'unsupported',
      details: { wireCode: -32601 },
    })
  })

  it('that is larger than the other side takes fails before a byte is written', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    far.peer.onRequest(() => 'pong')
    near.peer.limitOutgoing(1000)
    const written = sockets.near.bytesWritten
    const call = near.peer.request('m', { text: 'x'.repeat(1000) }, { timeoutMs })
    await expect(call).rejects.toMatchObject({ kind: 'messageTooLarge', operationState: 'not-started' })
    expect(() => near.peer.notify('m', { text: 'x'.repeat(1000) })).toThrow(ConetError)
    expect(sockets.near.bytesWritten).toBe(written)
    expect(await near.peer.request('m', {}, { timeoutMs })).toBe('pong')
  })

  it('whose result is too large, or no JSON, is told so instead', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    far.peer.limitOutgoing(1000)
    far.peer.onRequest((method) => (method === 'large' ? 'x'.repeat(1000) : 1n))
    await expect(near.peer.request('large', {}, { timeoutMs })).rejects.toMatchObject({
      kind: 'messageTooLarge',
      operationState: 'unknown',
    })
    await expect(near.peer.request('bigint', {}, { timeoutMs })).rejects.toMatchObject({ kind: 'internal' })
    expect(far.errors).toEqual([expect.any(TypeError)])
  })

  it('of four mebibytes arrives, while small ones sent after it keep their order', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const order: string[] = []
    far.peer.onRequest((method) => order.push(method))
    const text = 'x'.repeat(4 * 1024 * 1024 - 200)
    await Promise.all([
      near.peer.request('large', { text }, { timeoutMs }),
      near.peer.request('second', {}, { timeoutMs }),
      near.peer.request('third', {}, { timeoutMs }),
    ])
    expect(order).toEqual(['large', 'second', 'third'])
  })
})

describe('a call that is given up', () => {
  it('fails at its deadline, names method and time, and is cancelled on the other side', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { handler, reason } = hangingHandler()
    far.peer.onRequest(handler)
    await expect(near.peer.request('endpoint/plug', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      kind: 'deadlineExceeded',
      message: 'endpoint/plug: no answer within 50 ms',
      operationState: 'unknown',
    })
    expect(await reason).toMatchObject({ kind: 'cancelled' })
  })

  it('fails at once when its signal aborts, with the reason as cause, and is cancelled on the other side', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { handler, reason, running } = hangingHandler()
    far.peer.onRequest(handler)
    const controller = new AbortController()
    const call = near.peer.request('m', {}, { timeoutMs, signal: controller.signal })
    const failed = expect(call).rejects.toMatchObject({ kind: 'cancelled', cause: 'changed my mind' })
    await running
    controller.abort('changed my mind')
    await failed
    expect(await reason).toMatchObject({ kind: 'cancelled' })
    expect(far.errors).toEqual([])
  })

  it('is not sent when its signal has aborted before', async () => {
    const { sockets, near } = await peerPair()
    await using _ = sockets
    const call = near.peer.request('m', {}, { timeoutMs, signal: AbortSignal.abort() })
    await expect(call).rejects.toMatchObject({ kind: 'cancelled', operationState: 'not-started' })
    expect(sockets.near.bytesWritten).toBe(0)
  })

  it('leaves a late answer, which is no violation', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { promise, resolve } = latch<string>()
    far.peer.onRequest((method) => (method === 'slow' ? promise : 'pong'))
    await expect(near.peer.request('slow', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      kind: 'deadlineExceeded',
    })
    resolve('late')
    expect(await near.peer.request('ping', {}, { timeoutMs })).toBe('pong')
    expect(near.peer.lateReplies).toBe(1)
    expect(near.peer.violations).toBe(0)
  })
})

describe('notifications', () => {
  it('arrive in order and before the answer that was sent after them', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const heard: unknown[] = []
    near.peer.onNotification((method, params) => heard.push([method, params]))
    far.peer.onRequest(() => {
      far.peer.notify('driver/event', { seq: 1 })
      far.peer.notify('driver/event')
      return 'done'
    })
    await near.peer.request('m', {}, { timeoutMs })
    expect(heard).toEqual([
      ['driver/event', { seq: 1 }],
      ['driver/event', undefined],
    ])
  })

  it('whose handler fails, now or later, harm nobody but are reported', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    far.peer.onRequest(() => 'pong')
    far.peer.onNotification((method) => {
      if (method === 'later') return Promise.reject(new Error('later'))
      throw new Error('now')
    })
    near.peer.notify('now')
    near.peer.notify('later')
    expect(await near.peer.request('ping', {}, { timeoutMs })).toBe('pong')
    expect(far.errors.map(String)).toEqual(['Error: now', 'Error: later'])
  })
})

describe('the end of a connection', () => {
  it('fails all pending calls at once, says which, and aborts the handlers of the other side', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { handler, reason, running } = hangingHandler()
    far.peer.onRequest(handler)
    const calls = ['endpoint/plug', 'network/create'].map((method) =>
      near.peer.request(method, {}, { timeoutMs }).catch((error: unknown) => error),
    )
    await running
    near.peer.abort(new Error('enough'))
    for (const [index, error] of (await Promise.all(calls)).entries()) {
      const method = ['endpoint/plug', 'network/create'][index]
      expect(error).toMatchObject({
        kind: 'driverUnavailable',
        operationState: 'unknown',
        message: `${method}: the connection ended before the answer: enough`,
      })
    }
    expect(await reason).toMatchObject({ kind: 'cancelled' })
    expect(await near.closed).toMatchObject({ message: 'enough' })
    expect(await far.closed).toBeUndefined()
  })

  it('by the other side fails pending calls with the kind that the owner chose', async () => {
    await using sockets = await socketPair()
    const { peer } = recordingPeer(sockets.near, { closedKind: 'backendUnavailable' })
    const call = peer.request('m', {}, { timeoutMs })
    sockets.far.destroy()
    await expect(call).rejects.toMatchObject({ kind: 'backendUnavailable' })
  })

  it('lets later calls and notifications fail at once, with nothing done', async () => {
    const { sockets, near } = await peerPair()
    await using _ = sockets
    await near.peer.close()
    const refusal = { kind: 'driverUnavailable', operationState: 'not-started' }
    await expect(near.peer.request('m', {}, { timeoutMs })).rejects.toMatchObject(refusal)
    expect(() => near.peer.notify('m')).toThrow(expect.objectContaining(refusal))
  })

  it('is told to a listener that comes too late, and a failing listener keeps no other from hearing', async () => {
    const { sockets, near } = await peerPair()
    await using _ = sockets
    const heard: unknown[] = []
    near.peer.onClose(() => {
      throw new Error('listener')
    })
    near.peer.onClose((reason) => heard.push(reason))
    near.peer.abort('why')
    near.peer.onClose((reason) => heard.push(reason))
    expect(heard).toEqual(['why', 'why'])
    expect(near.errors.map(String)).toEqual(['Error: listener'])
  })
})

describe('close', () => {
  it('lets calls under way end, both ways, and refuses new ones', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { promise, resolve } = latch<string>()
    const { promise: running, resolve: started } = latch<void>()
    far.peer.onRequest((method) => {
      if (method !== 'slow') return 'new'
      started()
      return promise
    })
    const slow = near.peer.request('slow', {}, { timeoutMs })
    await running
    const closed = far.peer.close()
    await expect(near.peer.request('m', {}, { timeoutMs })).rejects.toMatchObject({ kind: 'draining' })
    resolve('done')
    expect(await slow).toBe('done')
    await closed
    expect(await near.closed).toBeUndefined()
    expect(await far.closed).toBeUndefined()
  })

  it('cuts what is not done by its deadline', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    const { handler, reason, running } = hangingHandler()
    far.peer.onRequest(handler)
    const call = near.peer.request('m', {}, { timeoutMs })
    const failed = expect(call).rejects.toMatchObject({ kind: 'driverUnavailable' })
    await running
    await far.peer.close({ timeoutMs: 50 })
    await failed
    expect(await reason).toMatchObject({ kind: 'cancelled' })
    expect(await far.closed).toMatchObject({ kind: 'deadlineExceeded' })
  })

  it('is what disposal does, and may be repeated', async () => {
    const { sockets, near, far } = await peerPair()
    await using _ = sockets
    {
      await using peer = near.peer
      expect(peer.isOpen).toBe(true)
    }
    await near.peer.close()
    expect(await far.closed).toBeUndefined()
  })
})

it('a hundred calls at once each get their own answer', async () => {
  const { sockets, near, far } = await peerPair()
  await using _ = sockets
  far.peer.onRequest(async (_method, params) => {
    await delay(Math.random() * 10)
    return params
  })
  const sent: JsonObject[] = Array.from({ length: 100 }, (_unused, index) => ({ index }))
  const answers = await Promise.all(sent.map((params) => near.peer.request('echo', params, { timeoutMs })))
  expect(answers).toEqual(sent)
})
