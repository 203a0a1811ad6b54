// Where the host listens.

/** The clients' socket, unless somebody says otherwise. */
export const defaultSocketPath = '/run/conet/conetd.sock'

const ofRuntime = '.runtime.sock'

/** The runtime's private socket lies beside the clients': `X.sock` → `X.runtime.sock`. Given that, the same. */
export function runtimeSocketPath(socketPath: string): string {
  return socketPath.endsWith(ofRuntime) ? socketPath : `${socketPath.replace(/\.sock$/, '')}${ofRuntime}`
}
