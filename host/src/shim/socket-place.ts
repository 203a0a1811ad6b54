// The runtime socket of conetd, from the path of either of its sockets.
import { existsSync } from 'node:fs'

export const defaultSocket = '/run/conet/conetd.sock'

/** A socket with a name of its own that has no other beside it is taken as it is. */
export function runtimeSocketOf(socket: string): string {
  if (socket.endsWith('.runtime.sock')) return socket
  const derived = `${socket.replace(/\.sock$/, '')}.runtime.sock`
  return !existsSync(derived) && existsSync(socket) ? socket : derived
}
