// Room on the disk that is kept for removals. A transaction of lmdb writes pages anew, also one that only deletes: on a
// full disk nothing could ever be removed to make room.
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** Enough for the pages that a removal writes anew; those that it frees serve the next one. */
const reserveBytes = 256 * 1024

export class Reserve {
  readonly #path: string
  #isThere: boolean

  /** `path` is that of the file that takes the room. */
  constructor(path: string) {
    this.#path = path
    this.#isThere = existsSync(path)
  }

  /** Gives the room to who writes next. False: it has been given already. */
  release(): boolean {
    if (!this.#isThere) return false
    this.#isThere = false
    rmSync(this.#path, { force: true })
    return true
  }

  /** Takes the room again, or goes without where there is none. May be repeated. */
  keep(): void {
    if (this.#isThere) return
    try {
      // Real bytes: a hole would take no room.
      writeFileSync(this.#path, Buffer.alloc(reserveBytes), { mode: 0o600 })
      this.#isThere = true
    } catch {
      // The disk is full: what was written is given back, and it is tried again after some transactions.
      rmSync(this.#path, { force: true })
    }
  }
}
