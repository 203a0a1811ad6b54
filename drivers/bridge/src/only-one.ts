// One bridge driver a network namespace: a second one would take the first one's networks for leftovers and delete them.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ConetError } from '@conet/sdk'

/** Abstract names (unix(7)) belong to a network namespace, and go with the process that holds them. */
const name = '\0conet-driver-bridge'

/** Holds the namespace until the process ends. Throws `failedPrecondition` when another driver does. */
export async function holdNamespace(): Promise<void> {
  const server = createServer((socket) => socket.destroy()).unref()
  try {
    server.listen(name)
    await once(server, 'listening')
  } catch (cause) {
    if (!isTaken(cause)) throw cause
    throw new ConetError(
      'failedPrecondition',
      'start: another bridge driver works in this network namespace',
      {
        cause,
        help: 'End it first, or run this one, with its conetd, in a network namespace of its own.',
      },
    )
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
