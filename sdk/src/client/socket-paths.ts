// Where the host listens.

/** The clients' socket, unless somebody says otherwise. */
export const defaultSocketPath = '/run/conet/conetd.sock'

/** The runtime's private socket lies beside the clients': `X.sock` → `X.runtime.sock`. */
export function runtimeSocketPath(socketPath: string): string {
  return `${socketPath.replace(/\.sock$/, '')}.runtime.sock`
}
