// Two ends of a real UNIX socket in a directory of its own.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConetError } from '@conet/sdk'
import { JsonRpcPeer, type PeerOptions } from '@conet/sdk/jsonrpc'

export type SocketPair = AsyncDisposable & { near: Socket; far: Socket }

export async function socketPair(): Promise<SocketPair> {
  const directory = await mkdtemp(join(tmpdir(), 'conet-jsonrpc-'))
  const server = createServer()
  server.listen(join(directory, 'socket'))
  await once(server, 'listening')
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = connect(join(directory, 'socket'))
  const far = await accepted
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy()
      far.destroy()
      server.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** A promise and what resolves it. */
export function latch<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let open: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, resolve: (value) => open(value) }
}

export type Recorded = { errors: unknown[]; violations: ConetError[] }

/** A peer on one end that keeps what its hooks are told. */
export function recordingPeer(socket: Socket, options: Partial<PeerOptions> = {}) {
  const recorded: Recorded = { errors: [], violations: [] }
  const peer = new JsonRpcPeer(socket, {
    onError: (error) => recorded.errors.push(error),
    onViolation: (violation) => recorded.violations.push(violation),
    ...options,
  })
  const closed = new Promise<unknown>((resolve) => peer.onClose(resolve))
  return { peer, closed, ...recorded }
}

/** The other side without any code of ours: writes bytes, reads messages with a parser of its own. */
export function rawClient(socket: Socket) {
  const messages: unknown[] = []
  const waiting: (() => void)[] = []
  let text = ''
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    for (;;) {
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(text)
      const end = header === null ? 0 : header[0].length + Number(header[1])
      if (header === null || text.length < end) break
      messages.push(JSON.parse(Buffer.from(text.slice(header[0].length, end), 'latin1').toString('utf8')))
      text = text.slice(end)
    }
    for (const wake of waiting.splice(0)) wake()
  })
  socket.on('error', () => undefined)
  return {
    messages,
    closed,
    send: (...parts: (object | string)[]) => socket.write(parts.map(frame).join('')),
    /** Resolves when at least that many messages have come. */
    async received(count: number): Promise<unknown[]> {
      while (messages.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
      return messages
    },
  }
}

/** A frame of an object; text as it is. */
export function frame(part: object | string): string {
  if (typeof part === 'string') return part
  const body = JSON.stringify(part)
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
