// What a runtime's program asks of conetd, against a server that answers by hand.
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { ask, takeDown } from '@conet/host/shim/calls'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const signOfLife = 'HTTP/1.1 100 Continue\r\n\r\n'
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"ok":1}'

/** `serve` runs with each connection on which a request has come; `hungUp` resolves when a client leaves. */
async function listening(serve: (socket: Socket) => void) {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'c.runtime.sock')
  const connections = new Set<Socket>()
  let leave = () => {}
  const hungUp = new Promise<void>((resolve) => {
    leave = resolve
  })
  const server = createServer((socket) => {
    connections.add(socket)
    socket.once('data', () => serve(socket)).once('close', leave)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    path,
    hungUp,
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await directory[Symbol.asyncDispose]()
    },
  }
}

it('an answer follows a sign of life, or comes without one', async () => {
  for (const text of [signOfLife + answer, answer]) {
    await using server = await listening((socket) => socket.end(text))
    expect(await ask({ socket: server.path, timeoutMs: 5_000, path: '/', body: {} })).toEqual({ ok: 1 })
  }
})

it('a conetd that lives and does not answer in time is given up, and hears it', async () => {
  await using server = await listening((socket) => socket.write(signOfLife))
  const asked = ask({ socket: server.path, timeoutMs: 100, path: '/', body: {} })
  await expect(asked).rejects.toThrow('gave no answer within 0.1 s')
  await server.hungUp
})

it('a handle that no container can have is down', async () => {
  expect(await takeDown({ socket: '/nowhere', timeoutMs: 1 }, 'ü'.repeat(513))).toBe('done')
})
