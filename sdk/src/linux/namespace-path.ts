// Namespaces that are kept at a path by a bind mount, so that they outlive the processes in them.
import { closeSync, lstatSync, openSync, unlinkSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { ConetError } from '../errors/index.ts'
import { KernelError } from './kernel-error.ts'
import { bindMount, detachMount } from './mount.ts'
import { Namespace, runInNewNamespace } from './namespace.ts'
import { prepareNamespaceDirectory } from './namespace-directory.ts'
import { isOnNamespaceFileSystem } from './namespace-type.ts'
import { checkedCall, systemError } from './system-error.ts'

/**
 * Makes a network namespace and binds it to an absolute path, where other processes find it (see
 * `prepareNamespaceDirectory`). Its loopback is down. Synchronous, about 1 ms; no thread stays inside.
 * Throws a KernelError, EEXIST when something is at the path, also a file left by a crash: delete it first.
 * When a step fails nothing is left.
 */
export function makeNamespace(path: string): void {
  keepAt(path, () => {
    runInNewNamespace(() => bindMount({ source: '/proc/thread-self/ns/net', target: path }))
  })
}

/**
 * Binds an existing namespace to an absolute path: the hold on a sandbox that a runtime has made. Give a
 * `Namespace` that was checked (`openSandbox`), not `/proc/PID/…`, so that what is bound is what was checked.
 * May be repeated with the same namespace. Throws a KernelError, EEXIST when something else is at the path.
 */
export function bindNamespace(source: Namespace, path: string): void {
  try {
    keepAt(path, () => bindMount({ source: `/proc/self/fd/${source.fd}`, target: path }))
  } catch (error) {
    if (!KernelError.is(error, 'EEXIST') || !isBoundTo(source, path)) throw error
  }
}

/**
 * Takes the bind mount and its file away; processes inside keep their namespace. Fine if it is gone, or only the file
 * is left. Throws `invalidSandbox` when something else is at the path: nothing of others is ever removed.
 */
export function deleteNamespace(path: string): void {
  requireAbsolute(path)
  try {
    // More than one mount can lie on the file, when the directory was mounted over itself on a shared mount.
    while (isOnNamespaceFileSystem(path)) detachMount(path)
    requireEmptyFile(path)
    unlinkSync(path)
  } catch (error) {
    const failure = systemError(error, `delete network namespace ${path}`)
    // Gone already, or its directory is: what was asked for.
    if (!KernelError.is(failure, 'ENOENT')) throw failure
  }
}

/** Whether a namespace of any type is at the path. A leftover file, or nothing, is `false`. */
export function isNamespacePath(path: string): boolean {
  try {
    return isOnNamespaceFileSystem(path)
  } catch (error) {
    const failure = systemError(error, `look for a namespace at ${path}`)
    if (KernelError.is(failure, 'ENOENT', 'ENOTDIR')) return false
    throw failure
  }
}

/** A bind mount needs a file to lie on: makes it, mounts, and takes the file away when that fails. */
function keepAt(path: string, mount: () => void): void {
  requireAbsolute(path)
  prepareNamespaceDirectory(dirname(path))
  closeSync(checkedCall(`make network namespace ${path}`, () => openSync(path, 'wx', 0o444)))
  try {
    mount()
  } catch (error) {
    unlinkSync(path)
    throw error
  }
}

function isBoundTo(source: Namespace, path: string): boolean {
  if (!isNamespacePath(path)) return false
  using bound = Namespace.open(path)
  return bound.id === source.id
}

function requireAbsolute(path: string): void {
  if (isAbsolute(path) && resolve(path) === path) return
  throw new ConetError(
    'invalidArgument',
    `network namespace ${path}: the path must be absolute and without "..", "." or a final "/"`,
  )
}

function requireEmptyFile(path: string): void {
  const found = lstatSync(path)
  if (found.isFile() && found.size === 0) return
  throw new ConetError(
    'invalidSandbox',
    `delete network namespace ${path}: there is something else than a namespace`,
    {
      help: 'Look what is at the path and remove it by hand if it is not needed.',
    },
  )
}
