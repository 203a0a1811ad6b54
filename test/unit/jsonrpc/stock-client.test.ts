// Whoever speaks LSP's framing and JSON-RPC 2.0 can speak to a peer: here the library that most of the field uses, with
// nothing of ours on its side.
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import {
  CancellationTokenSource,
  createMessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node'
import { latch, recordingPeer, socketPair } from './socket-pair.ts'

async function facingTheLibrary() {
  const sockets = await socketPair()
  const { peer, violations } = recordingPeer(sockets.near)
  const library = createMessageConnection(
    new SocketMessageReader(sockets.far),
    new SocketMessageWriter(sockets.far),
  )
  library.listen()
  return {
    peer,
    library,
    violations,
    async [Symbol.asyncDispose]() {
      library.dispose()
      await sockets[Symbol.asyncDispose]()
    },
  }
}

describe('a stock vscode-jsonrpc connection', () => {
  it('[K10] calls a peer, is called by it, and both hear the notifications of the other', async () => {
    await using pair = await facingTheLibrary()
    const { peer, library } = pair
    const heard: unknown[] = []
    peer.onRequest((method, params) => ({ method, params }))
    peer.onNotification((method, params) => heard.push([method, params]))
    library.onNotification('driver/event', (params) => {
      heard.push(params)
    })
    library.onRequest('name', (params: object) => ({ name: 'stock', ...params }))
    await library.sendNotification('initialized', { role: 'active' })
    expect(await library.sendRequest('echo', { text: 'grüß' })).toEqual({
      method: 'echo',
      params: { text: 'grüß' },
    })
    peer.notify('driver/event', { seq: 1 })
    expect(await peer.request('name', { a: 1 }, { timeoutMs: 10_000 })).toEqual({ name: 'stock', a: 1 })
    expect(heard).toEqual([['initialized', { role: 'active' }], { seq: 1 }])
    expect(pair.violations).toEqual([])
  })

  it('gets failures with code and data, and can give a call up', async () => {
    await using pair = await facingTheLibrary()
    const { peer, library } = pair
    const { promise: running, resolve: started } = latch<void>()
    peer.onRequest(async (method, _params, { signal }) => {
      if (method === 'fail') throw new ConetError('inUse', 'e1 uses it')
      started()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    })
    await expect(library.sendRequest('fail', {})).rejects.toMatchObject({
      code: 1004,
      message: 'e1 uses it',
      data: { name: 'inUse' },
    })
    const source = new CancellationTokenSource()
    const call = library.sendRequest('hang', {}, source.token)
    await running
    source.cancel()
    await expect(call).rejects.toMatchObject({ code: 1202 })
  })
})
