// One host's driver of a name a network namespace: that of a second host would take the first one's networks for leftovers
// and delete them. An instance that takes over from another one of the same host works beside it until that one ends.
import { lstatSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Driver, HostHandle } from '../driver/index.ts'
import { isErrno } from '../errno.ts'
import { ConetError } from '../errors/index.ts'
import { FileLock } from '../linux/index.ts'

const writableByOthers = 0o022
const retryMs = 250

/** What of a driver is guarded. */
export type GuardedDriver = Driver & Required<Pick<Driver, 'start' | 'activate'>>

/**
 * The driver, which takes charge only where that of no other host does: `activate` fails with `failedPrecondition` while
 * the driver of another host works in this network namespace. For drivers whose lists would show each other's networks.
 */
export function guardNamespace(driver: GuardedDriver): GuardedDriver {
  const guard = new NamespaceGuard(driver.name)
  let host: HostHandle | undefined
  return {
    ...driver,
    async start(handle) {
      host = handle
      await driver.start(handle)
    },
    async activate() {
      if (host !== undefined) guard.hold(host)
      await driver.activate()
    },
    async stop() {
      try {
        await driver.stop?.()
      } finally {
        guard.leave()
      }
    },
  }
}

class NamespaceGuard {
  readonly #driverName: string
  #lock: FileLock | undefined
  #waiting: NodeJS.Timeout | undefined
  /** Why the namespace could not be held, as the host was told. */
  #trouble: string | undefined

  constructor(driverName: string) {
    this.#driverName = driverName
  }

  /**
   * Holds the namespace until `leave` or the process ends, as soon as an instance of the same host that has it ends.
   * May be repeated. While the driver of another host is quicker, the driver is not ready. Throws `failedPrecondition`
   * when the driver of another host has it.
   */
  hold(host: HostHandle): void {
    if (this.#lock !== undefined || this.#waiting !== undefined) return
    if (this.#acquire(host)) return
    this.#waiting = setInterval(() => this.#tryAgain(host), retryMs).unref()
  }

  /** May be repeated. */
  leave(): void {
    clearInterval(this.#waiting)
    this.#waiting = undefined
    this.#lock?.remove()
    this.#lock = undefined
  }

  #tryAgain(host: HostHandle): void {
    try {
      if (!this.#acquire(host)) return
      clearInterval(this.#waiting)
      this.#waiting = undefined
      this.#report(host, undefined)
    } catch (error) {
      // The driver of another host was quicker, in the moment between the end of the old one and now: until it ends.
      this.#report(host, error instanceof Error ? error.message : String(error))
    }
  }

  /** Only what is news, and that all is well only to who heard of trouble. */
  #report(host: HostHandle, trouble: string | undefined): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    host.readiness(trouble === undefined, trouble)
  }

  /** False: another instance of the same host has it. */
  #acquire({ identity }: HostHandle): boolean {
    const nodeId = identity?.nodeId ?? ''
    const directory = `/run/conet-driver-${this.#driverName}`
    ensureDirectory(directory)
    const result = FileLock.acquire(join(directory, `${namespaceId()}.lock`), nodeId)
    if (result.ok) this.#lock = result.lock
    else if (result.holderNote !== nodeId) throw taken(this.#driverName, result.holderPid)
    return result.ok
  }
}

/** The kernel gives the number to no other namespace while this one lives. */
function namespaceId(): bigint {
  return statSync('/proc/thread-self/ns/net', { bigint: true }).ino
}

/** Root's alone, so that nobody else can take a namespace. */
function ensureDirectory(directory: string): void {
  makeUnlessThere(directory)
  const stats = lstatSync(directory)
  const ours = process.geteuid?.() ?? 0
  const wrong = [
    ...(stats.isDirectory() ? [] : ['it is no directory']),
    ...(stats.uid === ours ? [] : [`it belongs to user ${stats.uid}`]),
    ...((stats.mode & writableByOthers) === 0 ? [] : ['others may write to it']),
  ]
  if (wrong.length === 0) return
  throw new ConetError(
    'failedPrecondition',
    `start: ${directory} is not this driver's own directory: ${wrong.join(', ')}`,
    {
      help: `Remove it, and start the driver again.`,
    },
  )
}

/** Whatever is there is looked at afterwards: `recursive` fails at a file, and at a link that leads nowhere. */
function makeUnlessThere(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

function taken(driverName: string, pid: number | undefined): ConetError {
  const other = `another ${driverName} driver`
  const who = pid === undefined ? other : `${other} (pid ${pid})`
  return new ConetError('failedPrecondition', `${who} works in this network namespace, for another host`, {
    ...(pid !== undefined && { details: { pid } }),
    help: 'End it first, or run this one, with its conetd, in a network namespace of its own.',
  })
}
