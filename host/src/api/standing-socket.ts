// A UNIX socket of the API that stands as long as its server does: complete before it has its name, so that whoever finds
// it can connect; made anew when somebody removes its file; taken away at the end only if it is still the same file.
import { once } from 'node:events'
import { lstat, rename, unlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { isErrno } from '@conet/sdk'
import type { FastifyInstance } from 'fastify'
import {
  assertListenable,
  clearPlace,
  giveMode,
  refusal,
  type SocketPlace,
  temporaryOf,
} from './unix-socket.ts'

/** Without its file nobody finds conetd, and nobody tells it: it looks. */
const lookMs = 1_000

/** What stands there when it cannot be looked at. */
const unseen = 'unseen'

export type SocketEvents = {
  /** Its file was removed, and it stands again. */
  onRenewed?(): void
  /** It cannot be made anew, because of what stands there; told once for each such thing. */
  onLost?(error: unknown): void
}

/**
 * Throws `failedPrecondition` when something that is no socket stands there, or a socket on which a process listens. The
 * caller holds the lock of the run directory, has a umask under which nobody else may connect before the mode is set,
 * and closes the server after `leave`.
 */
export async function listenOn(
  app: FastifyInstance,
  place: SocketPlace,
  events: SocketEvents = {},
): Promise<StandingSocket> {
  const socket = new StandingSocket(app, place, events)
  await socket.begin()
  return socket
}

export class StandingSocket {
  readonly #app: FastifyInstance
  readonly #place: SocketPlace
  readonly #events: SocketEvents
  #identity: string | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  /** What stood in its place when it could not be made anew. */
  #obstacle: string | undefined
  /** Listens since the file was removed that the server itself had made; hands it the connections. */
  #door: Server | undefined
  readonly #endings = new Set<Promise<void>>()

  constructor(app: FastifyInstance, place: SocketPlace, events: SocketEvents) {
    this.#app = app
    this.#place = place
    this.#events = events
  }

  async begin(): Promise<void> {
    this.#identity = await standAt(this.#place, async (path) => void (await this.#app.listen({ path })))
    this.#timer = setInterval(() => this.#look(), lookMs).unref()
  }

  /** Takes no more connections; those that are there live on. */
  async leave(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    this.#shut()
    const { path } = this.#place
    if (this.#identity !== undefined && (await identityOf(path)) === this.#identity) await unlink(path)
  }

  /** Resolves when the connections that came since the file was removed have ended: the server waits only for its own. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings)
  }

  #look(): void {
    this.#looking ??= this.#stand()
      // Its directory is gone, say. The next look may find it.
      .catch((error: unknown) => this.#lose(unseen, error))
      .finally(() => {
        this.#looking = undefined
      })
  }

  async #stand(): Promise<void> {
    const found = await identityOf(this.#place.path)
    // What else stands there was looked at once: a living process need not be dialled again and again.
    if (found !== undefined && found === this.#obstacle) return
    if (found === this.#identity) {
      this.#obstacle = undefined
      return
    }
    try {
      await this.#standAgain()
      this.#obstacle = undefined
      this.#events.onRenewed?.()
    } catch (error) {
      this.#lose(found ?? 'nothing', error)
    }
  }

  #lose(obstacle: string, error: unknown): void {
    if (this.#obstacle !== obstacle) this.#events.onLost?.(error)
    this.#obstacle = obstacle
  }

  async #standAgain(): Promise<void> {
    const { server } = this.#app
    const door = createServer({ allowHalfOpen: true }, (socket) => void server.emit('connection', socket))
    door.maxConnections = server.maxConnections
    try {
      this.#identity = await standAt(this.#place, async (path) => {
        door.listen(path)
        await once(door, 'listening')
      })
    } catch (error) {
      door.close()
      throw error
    }
    door.on('error', (error) => this.#events.onLost?.(error))
    this.#shut()
    this.#door = door
  }

  #shut(): void {
    const door = this.#door
    if (door === undefined) return
    this.#door = undefined
    const ending: Promise<void> = new Promise<void>((resolve) => door.close(() => resolve())).finally(() =>
      this.#endings.delete(ending),
    )
    this.#endings.add(ending)
  }
}

/** Under another name until it has its mode: nobody meets half a socket, and nothing that stands there is lost before. */
async function standAt(place: SocketPlace, listen: (path: string) => Promise<void>): Promise<string> {
  const { path } = place
  await assertListenable(path)
  const temporary = temporaryOf(path)
  await clearPlace(temporary)
  await listen(temporary).catch((cause: Error) => {
    throw refusal(path, cause.message, cause)
  })
  await giveMode(temporary, place)
  const identity = await identityOf(temporary)
  if (identity === undefined) throw refusal(path, `${temporary} was removed meanwhile`)
  await rename(temporary, path)
  return identity
}

/**
 * Another file under the same path has another identity: with the time of birth, because the inode number of a file that is gone is
 * soon given to another; without that of change, since an operator may give the socket another mode or group.
 */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeNs } = await lstat(path, { bigint: true })
    return `${dev}:${ino}:${birthtimeNs}`
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
