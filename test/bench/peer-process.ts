// The other side of a call: a plain process that listens on a UNIX socket. Whoever starts it stops it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/repository.ts'

export type PeerProcess = AsyncDisposable & { readonly socketPath: string; readonly pid: number }

/** A server of `rivals/`. */
export function startRival(directory: string, name: string): Promise<PeerProcess> {
  const program = fileURLToPath(new URL(`rivals/${name}-server.js`, import.meta.url))
  const socketPath = join(directory, `${name}.sock`)
  return start([program, socketPath], socketPath)
}

/** The null driver as a vendor would start it. */
export function startNullDriver(directory: string): Promise<PeerProcess> {
  const program = join(repository, 'drivers/null/bin/conet-driver-null.js')
  const socketPath = join(directory, 'null.sock')
  return start([program, '--socket', socketPath], socketPath)
}

async function start(argv: readonly string[], socketPath: string): Promise<PeerProcess> {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'ignore'] })
  const ended = once(child, 'exit')
  const { pid } = child
  if (pid === undefined) throw new Error(`${argv[0]} could not be started`)
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  try {
    await eventually(() => answers(socketPath))
  } catch (error) {
    await stop()
    throw error
  }
  return { socketPath, pid, [Symbol.asyncDispose]: stop }
}

/** That the socket is there says too little: bind(2) makes the file, listen(2) comes after it. */
async function answers(socketPath: string): Promise<void> {
  const socket = connect(socketPath)
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
