// Looks whether the file of a socket that we listen on is still there: without it nobody finds us, and nobody tells us.
import { lstat } from 'node:fs/promises'
import { isErrno } from '@conet/sdk'

const lookMs = 2_000

export class SocketWatch implements Disposable {
  readonly #path: string
  readonly #identity: string | undefined
  readonly #onLost: (why: string) => void
  readonly #timer: NodeJS.Timeout

  private constructor(path: string, identity: string | undefined, onLost: (why: string) => void) {
    this.#path = path
    this.#identity = identity
    this.#onLost = onLost
    this.#timer = setInterval(() => void this.#look(), lookMs).unref()
  }

  /** The socket stands there now. `onLost` is called once. */
  static async begin(path: string, onLost: (why: string) => void): Promise<SocketWatch> {
    return new SocketWatch(path, await identityOf(path), onLost)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    // A look that fails (too many open files) tells nothing; the next one may.
    const found = await identityOf(this.#path).catch(() => this.#identity)
    if (found === this.#identity) return
    this[Symbol.dispose]()
    this.#onLost(found === undefined ? 'its file was removed' : 'another file stands in its place')
  }
}

async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await lstat(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
