// Which sockets stand in the driver directory: says what appeared and what is gone, without a restart. It watches
// the directory, never a socket (sockets give no events of use), and looks again on a clock because events get lost
// and a watch dies silently with its directory. It never connects.
import { type FSWatcher, watch } from 'node:fs'
import { chmod, lstat, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ConetError, isErrno } from '@conet/sdk'
import { socketIdentity } from './socket-identity.ts'
import {
  assertTrustedDirectory,
  claimsToBeSocket,
  type SocketRefusal,
  socketRefusal,
} from './socket-trust.ts'

export type DiscoveredSocket = {
  readonly path: string
  /** Another file under the same path has another identity. */
  readonly identity: string
  /** Since when the file has been as it is. */
  readonly since: Date
  /** Why it must not be used. */
  readonly refusal: SocketRefusal | undefined
}

export type DiscoveryOptions = {
  readonly directory: string
  appeared(socket: DiscoveredSocket): void
  gone(socket: DiscoveredSocket): void
  /** The directory could not be read or is not to be trusted; called once until that changes. */
  failed(error: unknown): void
  /** It had been deleted, and stands anew: made here, or by whom else. */
  renewed(): void
  readonly rescanMs?: number
  /** Whose sockets are used beside those of root; default: those of this process. */
  readonly uid?: number
}

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #directory: string
  readonly #uid: number
  readonly #sockets = new Map<string, DiscoveredSocket>()
  #watcher: FSWatcher | undefined
  #watched: string | undefined
  /** Of the directory that was looked at last. */
  #identity: string | undefined
  #mode = 0o750
  /** Not at once: who deletes the directories around it too would find this one in the way. */
  #mayMake = false
  #strays: readonly string[] = []
  #timer: NodeJS.Timeout | undefined
  #scanning: Promise<void> | undefined
  #isStale = false
  #failure: string | undefined
  #isClosed = false

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#directory = resolve(options.directory)
    this.#uid = options.uid ?? process.geteuid?.() ?? 0
  }

  /** Makes the directory if need be; what stands in it is known when this returns. Throws if it is not to be trusted. */
  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: this.#mode })
    await assertTrustedDirectory(this.#directory, this.#uid)
    await this.rescan()
    if (!this.#isClosed) this.#timer = setInterval(this.#tick, this.#options.rescanMs ?? 2_000)
  }

  /** Looks now. A look that is under way is followed by another one, so that what was there at the call is seen. */
  rescan(): Promise<void> {
    this.#isStale = true
    this.#scanning ??= this.#scanUntilFresh().finally(() => {
      this.#scanning = undefined
    })
    return this.#scanning
  }

  /** Ends all looking; says nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#watcher?.close()
    await this.#scanning
  }

  readonly #look = (): void => {
    void this.rescan()
  }

  readonly #tick = (): void => {
    this.#mayMake = true
    this.#look()
  }

  async #scanUntilFresh(): Promise<void> {
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false
      try {
        if (await this.#scan()) this.#failure = undefined
      } catch (error) {
        this.#report(error)
      }
    }
  }

  /** False: there is no directory. */
  async #scan(): Promise<boolean> {
    const mayMake = this.#mayMake
    this.#mayMake = false
    try {
      this.#update(await this.#read())
      return true
    } catch (error) {
      this.#update([])
      // At whichever step: it may go in the middle of a look.
      if (!isErrno(error, 'ENOENT')) throw error
      if (!mayMake || this.#isClosed) return false
      await this.#make()
      this.#isStale = true
      return true
    }
  }

  /** As it was before somebody deleted it. */
  async #make(): Promise<void> {
    try {
      await mkdir(this.#directory, { mode: 0o700 })
      // The mask of this process takes more away than the mode means to.
      await chmod(this.#directory, this.#mode)
    } catch (error) {
      // A driver may have been faster.
      if (!isErrno(error, 'EEXIST')) throw directoryGone(this.#directory, error)
    }
  }

  async #read(): Promise<DiscoveredSocket[]> {
    await this.#watchDirectory()
    // After the watch, so that nothing can appear between the two unseen.
    const names = await readdir(this.#directory)
    const strays: string[] = []
    const found = await Promise.all(
      names.filter((name) => !name.startsWith('.')).map((name) => this.#inspect(name, strays)),
    )
    this.#strays = strays.sort()
    return found.filter((socket) => socket !== undefined)
  }

  /** What stands in the directory and is no socket, as of the last look. Names that begin with a dot are nobody's business. */
  get strays(): readonly string[] {
    return this.#strays
  }

  async #watchDirectory(): Promise<void> {
    const { dev, ino, birthtimeNs, mode } = await lstat(this.#directory, { bigint: true })
    // With the time of birth, because a directory made anew may get the inode number of the old one.
    const identity = `${dev}:${ino}:${birthtimeNs}`
    // Without what would make it a directory that is not to be trusted.
    this.#mode = Number(mode & 0o7775n)
    if (identity === this.#watched) return
    await assertTrustedDirectory(this.#directory, this.#uid)
    this.#unwatch()
    if (this.#isClosed) return
    this.#watcher = watch(this.#directory, this.#look)
    // The next look on the clock installs another.
    this.#watcher.on('error', () => this.#unwatch())
    this.#watched = identity
    const isRenewed = this.#identity !== undefined && this.#identity !== identity
    this.#identity = identity
    if (isRenewed) this.#options.renewed()
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#watched = undefined
  }

  async #inspect(name: string, strays: string[]): Promise<DiscoveredSocket | undefined> {
    const path = join(this.#directory, name)
    try {
      const stats = await lstat(path, { bigint: true })
      if (!claimsToBeSocket(stats)) {
        strays.push(path)
        return undefined
      }
      const identity = socketIdentity(path, stats)
      const since = new Date(Number(stats.ctimeMs))
      return { path, identity, since, refusal: socketRefusal(path, stats, this.#uid) }
    } catch {
      // Gone since the directory was read, which the next look would find as well.
      return undefined
    }
  }

  #update(found: readonly DiscoveredSocket[]): void {
    if (this.#isClosed) return
    const identities = new Set(found.map(({ identity }) => identity))
    for (const [path, known] of this.#sockets) {
      if (identities.has(known.identity)) continue
      this.#sockets.delete(path)
      this.#options.gone(known)
    }
    for (const socket of found) {
      if (this.#sockets.has(socket.path)) continue
      this.#sockets.set(socket.path, socket)
      this.#options.appeared(socket)
    }
  }

  #report(error: unknown): void {
    const text = String(error)
    if (this.#isClosed || text === this.#failure) return
    this.#failure = text
    this.#options.failed(error)
  }
}

function directoryGone(directory: string, cause: unknown): ConetError {
  return new ConetError(
    'failedPrecondition',
    `look for drivers in ${directory}: it is gone, and cannot be made anew`,
    {
      cause,
      details: { directory },
      help: `make it: install -d -m 0750 ${directory}; a driver built on the SDK then makes its socket anew by itself`,
    },
  )
}
