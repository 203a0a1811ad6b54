// A network namespace that this process holds open, and the only way into it: one synchronous stretch on
// one thread. It knows nothing of the paths at which namespaces are kept (namespace-path.ts).
import { type BigIntStats, closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs'
import { isAsyncFunction } from 'node:util/types'
import { KernelError } from './kernel-error.ts'
import { checked, closeDescriptor, libc } from './libc.ts'
import type { NamespaceHandle } from './namespace-handle.ts'
import { CLONE_NEWNET, namespaceTypeOf } from './namespace-type.ts'
import { checkedCall } from './system-error.ts'

const setns: (fd: number, type: number) => number = libc.func('int setns(int fd, int nstype)')
const unshare: (flags: number) => number = libc.func('int unshare(int flags)')
const ioctl: (fd: number, request: bigint) => number = libc.func('int ioctl(int fd, unsigned long request)')
const abort: () => void = libc.func('void abort(void)')

const EINVAL = 22
/** Answers with a descriptor of the socket's namespace; for those with CAP_NET_ADMIN there. */
const SIOCGSKNS = 0x894cn

/** The namespace of the calling thread. `/proc/self` would be that of the process's first thread. */
const CURRENT = '/proc/thread-self/ns/net'

/**
 * A network namespace, held open by a file descriptor that this object owns: close it (or `using`) when done.
 * The namespace lives on for as long as somebody holds it: this object, a process, a bind mount.
 */
export class Namespace implements Disposable {
  /** Where it was opened, for messages. */
  readonly path: string
  /**
   * `device:inode`, the same for every way to the same namespace (namespaces(7)). The kernel may give it to
   * another namespace once nobody holds this one, so compare only while it is open.
   */
  readonly id: string
  #fd: number

  private constructor(fd: number, path: string) {
    this.#fd = fd
    this.path = path
    this.id = idOf(fstatSync(fd, { bigint: true }))
  }

  /**
   * Opens the namespace at a path (a bind mount, `/proc/PID/ns/net`). Throws a KernelError: ENOENT; EINVAL when it is
   * no network namespace.
   */
  static open(path: string): Namespace {
    const operation = `open network namespace ${path}`
    const fd = openFile(path, operation)
    try {
      if (namespaceTypeOf(fd) !== 'network') throw new KernelError({ errno: EINVAL, operation })
      return new Namespace(fd, path)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** The namespace in which the calling thread is: the host's own, unless called inside `run`. */
  static current(): Namespace {
    return Namespace.open(CURRENT)
  }

  /** Whether the calling thread is in it. Half of what `current` costs: 6 µs. */
  isCurrent(): boolean {
    const operation = 'look at the network namespace of the thread'
    return this.id === checkedCall(operation, () => idOf(statSync(CURRENT, { bigint: true })))
  }

  /** Valid until `close`. Throws after it, since the number may by then mean another file. */
  get fd(): number {
    if (this.#fd < 0) throw new Error(`the network namespace ${this.path} was closed`)
    return this.#fd
  }

  /**
   * Runs `work` inside the namespace and comes back before it returns: about 10 µs. `work` must be synchronous
   * and must start nothing that goes on by itself: a thread that is born inside stays there for good, and
   * one asynchronous file system call is enough to make four. Sockets that it opens belong to the namespace
   * wherever they are used later. Calls may be nested. Throws what `work` throws.
   */
  run<T>(work: () => T): T {
    if (isAsyncFunction(work)) throw new TypeError(refusal(this.path))
    const result = stretch(
      () => checked(setns(this.fd, CLONE_NEWNET), `enter network namespace ${this.path}`),
      work,
    )
    if (isThenable(result)) throw new TypeError(refusal(this.path))
    return result
  }

  /** Lets go of the namespace. May be repeated. */
  close(): void {
    if (this.#fd < 0) return
    closeSync(this.#fd)
    this.#fd = -1
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

const idOf = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`

/** Where synchronous work is to run: in a network namespace, or (undefined) in the one where the caller is. */
export type Place = Pick<NamespaceHandle, 'run'> | undefined

export function runIn<T>(place: Place, work: () => T): T {
  return place === undefined ? work() : place.run(work)
}

/** Runs `work` in the namespace to which a socket belongs, as `Namespace.run` does. */
export function runInNamespaceOfSocket<T>(socket: number, work: () => T): T {
  const namespace = checked(ioctl(socket, SIOCGSKNS), 'find the network namespace of a socket')
  try {
    return stretch(
      () => checked(setns(namespace, CLONE_NEWNET), 'enter the network namespace of a socket'),
      work,
    )
  } finally {
    closeDescriptor(namespace)
  }
}

/**
 * Makes a network namespace and runs `work` inside it, in one synchronous stretch; it is gone afterwards unless
 * `work` has opened or bound it.
 *
 * On the calling thread and not in a worker, by measurement (2 cores, Linux 6.18): unshare takes 0.7 ms
 * (median of 200; at most 11 ms, also while 200 namespaces are dying), the way back 2 µs. That is once for
 * a container; a worker costs its start, its memory, and a thread that could be left behind.
 */
export function runInNewNamespace<T>(work: () => T): T {
  return stretch(() => checked(unshare(CLONE_NEWNET), 'make a network namespace'), work)
}

/** Goes somewhere, works, and comes back to where the thread was, in one synchronous stretch. */
function stretch<T>(enter: () => void, work: () => T): T {
  const home = openFile(CURRENT, 'remember the network namespace of the thread')
  try {
    enter()
    try {
      return work()
    } finally {
      if (setns(home, CLONE_NEWNET) < 0) die()
    }
  } finally {
    closeSync(home)
  }
}

/**
 * A thread that is stuck in a foreign namespace would make the next bridge or route in somebody's container,
 * so the whole process ends at once. libc's abort, because process.abort does not work in worker threads.
 */
function die(): void {
  try {
    writeSync(2, 'conet: a thread cannot leave a network namespace that it had entered; the process ends\n')
  } finally {
    abort()
  }
}

/** O_NONBLOCK so that a FIFO put at the path cannot hang the process. Node adds O_CLOEXEC. */
function openFile(path: string, operation: string): number {
  return checkedCall(operation, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function refusal(path: string): string {
  return `work inside network namespace ${path} must be synchronous: what follows an await would run outside it`
}
