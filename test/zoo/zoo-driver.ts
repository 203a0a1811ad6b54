// A driver as a whole: its socket, the hosts that are connected, and what it has.
import { once } from 'node:events'
import { closeSync, constants, openSync } from 'node:fs'
import { lstat, rename, unlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { type Behaviour, goodBehaviour, type Variant } from './behaviour.ts'
import { Order } from './order.ts'
import { Records } from './records.ts'
import { Session } from './session.ts'

export type ZooDriverOptions = {
  readonly path: string
  readonly variant?: Partial<Variant>
  readonly behaviour?: Behaviour
  readonly records?: Records
  /** Ends the program; a driver inside another program only closes its socket. */
  exit?(code: number): void
  /** Default: a driver inside another program keeps it to itself. */
  log?(message: string): void
}

export class ZooDriver implements AsyncDisposable {
  readonly variant: Variant
  readonly behaviour: Behaviour
  readonly records: Records
  readonly order = new Order()
  readonly sessions = new Set<Session>()
  readonly instanceId: string
  readonly path: string
  isDraining = false
  readonly #server: Server
  readonly exit: (code: number) => void
  readonly log: (message: string) => void
  #inode: bigint | undefined

  constructor({ path, variant, behaviour = goodBehaviour(), records, exit, log }: ZooDriverOptions) {
    this.path = path
    this.variant = { name: 'zoo', ...variant }
    this.behaviour = behaviour
    this.records = records ?? new Records()
    this.instanceId = behaviour.instanceId()
    this.exit = exit ?? (() => undefined)
    this.log = log ?? (() => undefined)
    this.#server = createServer({ allowHalfOpen: behaviour.allowHalfOpen }, (socket) =>
      this.sessions.add(new Session(this, socket)),
    )
  }

  static async listen(options: ZooDriverOptions): Promise<ZooDriver> {
    const driver = new ZooDriver(options)
    await driver.#listen()
    return driver
  }

  /** Takes no more hosts and no more bytes, and removes the socket if it is still its own; the program ends after it. */
  async end(code: number): Promise<void> {
    await this.close()
    this.exit(code)
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const { socket } of this.sessions) socket.destroy()
    if (this.#inode !== undefined && (await inodeOf(this.path)) === this.#inode) await unlink(this.path)
    this.#inode = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Bound under a name that hosts ignore, so that whoever finds the socket can connect. */
  async #listen(): Promise<void> {
    await this.behaviour.claim(this.path)
    const draft = join(dirname(this.path), `.${basename(this.path)}-${this.instanceId.slice(0, 8)}`)
    await this.#bind(draft)
    this.#inode = await inodeOf(draft)
    await rename(draft, this.path)
  }

  /** Through its directory, which reaches also where a path is too long for an address. */
  async #bind(path: string): Promise<void> {
    const directory = openSync(dirname(path), constants.O_DIRECTORY)
    const umask = process.umask(0o777 & ~this.behaviour.socketMode)
    this.#server.listen(`/proc/self/fd/${directory}/${basename(path)}`)
    process.umask(umask)
    try {
      await once(this.#server, 'listening')
    } finally {
      closeSync(directory)
    }
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  return (await lstat(path, { bigint: true }).catch(() => undefined))?.ino
}
