// What container runtimes wanted taken down while conetd was away: a directory with one file a container, in which
// `conet-guardian` and `conet-oci-hook` write. Done when conetd is back, before anything else for the same handle.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { sandboxIdOf } from '../domain/ids.ts'
import { readBounded } from '../files/bounded-read.ts'
import { takeDown } from './down.ts'
import type { HostContext } from './host-context.ts'
import { containerQueue } from './keys.ts'

/** Who writes an entry names it so when it is whole. */
const ending = '.down'

export class QueuedDowns {
  readonly #directory: string
  /** Paths that `newlyUnreadable` has answered. */
  readonly #named = new Set<string>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The handles of all entries. A file that is none of them is left alone. */
  handles(): string[] {
    return this.#paths.flatMap((path) => this.#handleIn(path) ?? [])
  }

  /** Paths of files that say of no container that it is to go down. */
  unreadable(): string[] {
    return this.#paths.filter((path) => this.#handleIn(path) === undefined && isThere(path))
  }

  /** Of these, each once. */
  newlyUnreadable(): string[] {
    const found = this.unreadable().filter((path) => !this.#named.has(path))
    for (const path of found) this.#named.add(path)
    return found
  }

  has(handle: string): boolean {
    return existsSync(this.#pathOf(handle))
  }

  remove(handle: string): void {
    rmSync(this.#pathOf(handle), { force: true })
  }

  get #paths(): string[] {
    if (!existsSync(this.#directory)) return []
    const names = readdirSync(this.#directory).filter((name) => name.endsWith(ending))
    return names.map((name) => join(this.#directory, name))
  }

  /** A file under another's name would never be found done. */
  #handleIn(path: string): string | undefined {
    const handle = handleIn(path)
    return handle !== undefined && this.#pathOf(handle) === path ? handle : undefined
  }

  #pathOf(handle: string): string {
    return join(this.#directory, `${sandboxIdOf(handle)}${ending}`)
  }
}

/** Also a link to nothing. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function handleIn(path: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(textOf(path))
    const isEntry = typeof entry === 'object' && entry !== null && 'handle' in entry
    return isEntry && typeof entry.handle === 'string' ? entry.handle : undefined
  } catch {
    // Not written by conet's programs, or gone meanwhile.
    return undefined
  }
}

/** Of a plain file: of a pipe nobody may ever write the other end, and a link may lead anywhere. */
function textOf(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is no plain file`)
    return readBounded(file).toString('utf8')
  } finally {
    closeSync(file)
  }
}

/**
 * Queues each of them before whatever is asked next for the same handle. Called before conetd listens, and once more
 * when it does: who found nobody in between has written an entry.
 */
export function takeQueuedDown(host: HostContext): void {
  for (const path of host.queuedDowns.newlyUnreadable())
    host.log.error(
      { path },
      'a file that a runtime left for conetd cannot be read: a container may be up that was to go down (conet container down HANDLE); remove the file',
    )
  for (const handle of host.queuedDowns.handles()) {
    host.queue
      .run(containerQueue(handle), () => finishQueuedDown(host, handle))
      .catch((err: unknown) =>
        host.log.warn({ handle, err }, 'a container that was to go down is not gone yet'),
      )
  }
}

/** For callers that are inside the container's queue. */
export async function finishQueuedDown(host: HostContext, handle: string): Promise<void> {
  if (!host.queuedDowns.has(handle)) return
  host.log.info({ handle }, 'the container is taken down, as was asked while conetd was away')
  try {
    await takeDown(host, handle, { id: `queued-down-${sandboxIdOf(handle)}` })
  } finally {
    // What is left of it is on record and tried again.
    host.queuedDowns.remove(handle)
  }
}
