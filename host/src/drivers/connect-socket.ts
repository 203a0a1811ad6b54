// Dials a UNIX socket, in bounded time. What is spoken over it is not its business.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ConetError, deadline } from '@conet/sdk'

export type ConnectOptions = { readonly timeoutMs: number; readonly signal: AbortSignal }

/** Throws `driverUnavailable`, or `deadlineExceeded`, or the reason of the signal. */
export async function connectSocket(path: string, { timeoutMs, signal }: ConnectOptions): Promise<Socket> {
  using limit = deadline(timeoutMs, `connect to ${path}`, signal)
  const socket = connect({ path })
  // An error between here and its next owner's listener must not end the process; `close` follows it anyway.
  socket.on('error', () => undefined)
  try {
    await once(socket, 'connect', { signal: limit.signal })
    return socket
  } catch (cause) {
    socket.destroy()
    if (limit.signal.aborted) throw limit.signal.reason
    throw notConnected(path, cause)
  }
}

function notConnected(path: string, cause: unknown): ConetError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  const what = `connect to ${path}`
  if (code !== 'ECONNREFUSED')
    return new ConetError('driverUnavailable', `${what}: ${code ?? String(cause)}`, { cause })
  const why = 'nobody listens: its driver has ended without removing it'
  return new ConetError('driverUnavailable', `${what}: ${why}`, {
    cause,
    help: `start its driver again where it was started before; if it is not to come back there: rm ${path}`,
  })
}
