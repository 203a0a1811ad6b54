// Where the host listens.
import { ConetError } from '../errors/index.ts'
import { maxSocketPathBytes } from '../socket-path-length.ts'

/** The clients' socket, unless somebody says otherwise. */
export const defaultSocketPath = '/run/conet/conetd.sock'

const ofRuntime = '.runtime.sock'

/** The runtime's private socket lies beside the clients': `X.sock` → `X.runtime.sock`. Given that, the same. */
export function runtimeSocketPath(socketPath: string): string {
  return socketPath.endsWith(ofRuntime) ? socketPath : `${socketPath.replace(/\.sock$/, '')}${ofRuntime}`
}

/** Throws `invalidArgument` for a path that no socket can have; `field` is what the caller calls it. */
export function assertSocketPath(path: string, field: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > 0 && bytes <= maxSocketPathBytes) return
  const message = `must have 1 to ${maxSocketPathBytes} bytes, has ${bytes}`
  throw new ConetError('invalidArgument', `call conetd: the path of its socket ${message}`, {
    fields: [{ path: field, message: bytes === 0 ? 'is empty' : `is too long for a socket: ${path}` }],
    help:
      bytes === 0
        ? 'leave --socket and CONET_SOCKET out for the usual one'
        : 'name the socket by a shorter path, such as that of a link to its directory',
  })
}
