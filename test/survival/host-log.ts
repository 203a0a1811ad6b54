// conetd's log from some moment on.
import { closeSync, openSync, readSync, statSync } from 'node:fs'

export class HostLog {
  readonly #path: string
  #offset = 0

  constructor(path: string) {
    this.#path = path
  }

  /** What is written from now on. */
  fromNow(): HostLog {
    const log = new HostLog(this.#path)
    log.#offset = statSync(this.#path).size
    return log
  }

  lines(): string[] {
    const file = openSync(this.#path, 'r')
    try {
      const bytes = Buffer.alloc(statSync(this.#path).size - this.#offset)
      readSync(file, bytes, 0, bytes.length, this.#offset)
      return bytes.toString().split('\n')
    } finally {
      closeSync(file)
    }
  }
}
