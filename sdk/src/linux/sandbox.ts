// Checks a sandbox path before anything is done in it, and says in a user's words what is wrong with one.
import { closeSync, constants, fstatSync, openSync, statfsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { ConetError, type ErrorKind } from '../errors/index.ts'
import { KernelError } from './kernel-error.ts'
import { Namespace } from './namespace.ts'
import { namespaceTypeOf } from './namespace-type.ts'

/** File systems whose empty regular files are no place for a bind mount: proc, sysfs, cgroup, cgroup2. */
const pseudoFileSystems = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270])

type Finding = { kind: ErrorKind; reason: string; help?: string }

/**
 * Opens the network namespace of a sandbox; the caller closes it. What is returned is what was checked.
 * Throws a ConetError: `invalidSandbox` (nothing is there, it is no network namespace, or it is the one in which
 * the caller itself is), `sandboxUnreachable` (there is the empty file on which a bind mount lies, but this
 * process does not see the mount), `permissionDenied`.
 */
export function openSandbox(path: string): Namespace {
  const namespace = openOrExplain(path)
  if (!namespace.isCurrent()) return namespace
  namespace.close()
  throw refusal(path, {
    kind: 'invalidSandbox',
    reason: 'it is the network namespace of the host itself',
    help: 'Give the container a network namespace of its own.',
  })
}

function openOrExplain(path: string): Namespace {
  if (!isAbsolute(path)) throw refusal(path, { kind: 'invalidSandbox', reason: 'the path is not absolute' })
  if (path.includes('\0')) throw refusal(path, { kind: 'invalidSandbox', reason: 'the path has a zero byte' })
  try {
    return Namespace.open(path)
  } catch (cause) {
    if (!KernelError.is(cause)) throw cause
    throw refusal(path, explain(path, cause.code), cause)
  }
}

function explain(path: string, code: string): Finding {
  if (code === 'EACCES' || code === 'EPERM')
    return { kind: 'permissionDenied', reason: 'this process may not open it' }
  if (code === 'EINVAL') return lookAt(path)
  if (code !== 'ENOENT' && code !== 'ENOTDIR')
    return { kind: 'invalidSandbox', reason: `it cannot be opened (${code})` }
  return {
    kind: 'invalidSandbox',
    reason: 'nothing is there',
    help: 'The container may have ended; bring it up again.',
  }
}

/** What is at a path that can be opened but is no network namespace. */
function lookAt(path: string): Finding {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const type = namespaceTypeOf(fd)
    if (type !== undefined)
      return { kind: 'invalidSandbox', reason: `it is a ${type} namespace, not a network namespace` }
    const found = fstatSync(fd)
    if (found.isFile() && found.size === 0 && !isPseudoFile(fd)) return unreachable
    const what = found.isDirectory() ? 'a directory' : 'a file'
    return { kind: 'invalidSandbox', reason: `there is ${what}, not a network namespace` }
  } finally {
    closeSync(fd)
  }
}

const unreachable: Finding = {
  kind: 'sandboxUnreachable',
  reason: 'there is an empty file, without the network namespace that conet mounts on it',
  help: 'Run this process in the mount namespace of conetd, or let its mounts through (propagation rslave).',
}

function isPseudoFile(fd: number): boolean {
  return pseudoFileSystems.has(statfsSync(`/proc/self/fd/${fd}`).type)
}

function refusal(path: string, { kind, reason, help }: Finding, cause?: unknown): ConetError {
  return new ConetError(kind, `open sandbox ${path}: ${reason}`, {
    details: { path },
    cause,
    ...(help === undefined ? {} : { help }),
  })
}
