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
    throw new ConetError('driverUnavailable', `connect to ${path}: ${whyNot(cause)}`, { cause })
  }
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return String(error)
  if (error.code === 'ECONNREFUSED') return 'nobody listens: its driver has ended without removing it'
  return String(error.code)
}
