// The UNIX socket of a driver: made for its owner alone and complete before it has its name, so that whoever finds
// it can connect; made anew when somebody removes it; taken away at the end only if it is still the same file. It
// knows no protocol.
import { once } from 'node:events'
import { lstat, readdir, rename, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { isErrno } from '../errno.ts'
import { ConetError } from '../errors/index.ts'
import { maxSocketPathBytes } from '../socket-path-length.ts'
import { ensureSocketDirectory } from './socket-directory.ts'

/** Connections beyond are dropped at once: one host is expected, and a new one while the old one goes. */
const maxConnections = 64
/** Without its file nobody finds the driver, and nobody tells it: it looks. */
const lookIntervalMs = 1_000

export type DriverSocketOptions = {
  readonly path: string
  onConnection(socket: Socket): void
  /** Its file was removed, and it stands again. */
  onRenewed(): void
  /** Gets what goes wrong with the listening socket later. */
  onError(error: unknown): void
}

type Listening = { readonly server: Server; readonly identity: string }

export class DriverSocket {
  readonly path: string
  readonly #options: DriverSocketOptions
  readonly #timer: NodeJS.Timeout
  #listening: Listening
  #looking: Promise<void> | undefined
  /** What stood in its place when it could not be made anew, and why that was: told once. */
  #obstacle: string | undefined

  private constructor(path: string, options: DriverSocketOptions, listening: Listening) {
    this.path = path
    this.#options = options
    this.#listening = listening
    this.#timer = setInterval(() => this.#look(), lookIntervalMs).unref()
  }

  /**
   * Resolves when the socket stands at its path and takes connections. A socket left there by a dead process is
   * replaced. Throws `invalidArgument` for a path that is too long, `failedPrecondition` for a directory that is not
   * to be trusted, `conflict` when the path belongs to a living process or is no socket.
   */
  static async open(options: DriverSocketOptions): Promise<DriverSocket> {
    const path = resolve(options.path)
    return new DriverSocket(path, options, await listenAt(path, options))
  }

  /** Takes no more connections and removes the socket; those that are there live on. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    const { server, identity } = this.#listening
    server.close()
    if ((await identityOf(this.path)) !== identity) return
    await unlink(this.path).catch(unlessGone)
  }

  #look(): void {
    this.#looking ??= this.#stand()
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => {
        this.#looking = undefined
      })
  }

  async #stand(): Promise<void> {
    const found = await identityOf(this.path)
    // What else stands there was looked at once: a living driver need not be dialled again and again.
    if (found === this.#listening.identity || (found !== 'none' && found === this.#obstacle)) return
    try {
      const listening = await listenAt(this.path, this.#options)
      // Nobody finds the former one; who came by it stays.
      this.#listening.server.close()
      this.#listening = listening
      this.#obstacle = undefined
      this.#options.onRenewed()
    } catch (error) {
      const isNews = this.#obstacle !== found
      this.#obstacle = found
      if (isNews) throw error
    }
  }
}

async function listenAt(path: string, { onConnection, onError }: DriverSocketOptions): Promise<Listening> {
  const temporary = temporaryPath(path)
  await ensureSocketDirectory(dirname(path))
  await assertReplaceable(path)
  await sweepTemporaries(path)
  const server = createServer(onConnection)
  server.maxConnections = maxConnections
  await listenPrivately(server, temporary)
  server.on('error', onError)
  try {
    const identity = await identityOf(temporary)
    await rename(temporary, path)
    return { server, identity }
  } catch (error) {
    server.close()
    throw error
  }
}

/** Hidden, so that no host looks at it; in the same directory, so that `rename` can move it. */
function temporaryPath(path: string): string {
  const directory = dirname(path)
  const candidates = [`.${stem(path)}-${process.pid}.sock`, `.${process.pid}`].map((name) =>
    join(directory, name),
  )
  const fitting = candidates.find((candidate) => Buffer.byteLength(candidate) <= maxSocketPathBytes)
  const bytes = Buffer.byteLength(path)
  if (bytes <= maxSocketPathBytes && fitting !== undefined) return fitting
  const why = `the path has ${bytes} bytes, a socket takes ${maxSocketPathBytes}`
  throw new ConetError('invalidArgument', `listen on ${path}: ${why}`, {
    fields: [{ path: 'socketPath', message: why }],
  })
}

function stem(path: string): string {
  return basename(path, '.sock')
}

/** Binds and listens with mode 0600 from the first moment: nobody else can connect in between. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = once(server, 'listening')
  // Node binds before `listen` returns, so the mask is narrow for no longer than that.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await listening
}

async function assertReplaceable(path: string): Promise<void> {
  const stats = await lstat(path).catch(unlessGone)
  if (stats === undefined) return
  if (!stats.isSocket()) throw taken(path, 'something that is no socket is there')
  const state = await probe(path)
  if (state === 'alive') throw taken(path, 'another process answers there')
}

/** Removes what a driver of this name that was killed between bind and rename has left. */
async function sweepTemporaries(path: string): Promise<void> {
  const directory = dirname(path)
  const prefix = `.${stem(path)}-`
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix) || !/^[0-9]+\.sock$/.test(name.slice(prefix.length))) continue
    const leftover = join(directory, name)
    if ((await probe(leftover)) === 'dead') await unlink(leftover).catch(unlessGone)
  }
}

/** Whether a process listens there. Any answer but a plain refusal counts as life. */
async function probe(path: string): Promise<'alive' | 'dead'> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return 'alive'
  } catch (error) {
    return isErrno(error, 'ECONNREFUSED', 'ENOENT') ? 'dead' : 'alive'
  } finally {
    socket.destroy()
  }
}

/** Another file under the same path has another identity: while a socket is listened on, the kernel gives its inode number to no other. */
async function identityOf(path: string): Promise<string> {
  const stats = await lstat(path, { bigint: true }).catch(unlessGone)
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`
}

function unlessGone(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT')) throw error
}

function taken(path: string, why: string): ConetError {
  return new ConetError('conflict', `listen on ${path}: ${why}`, {
    help: 'Stop the other process, or choose another path with --socket.',
  })
}
