// The mount namespace of another process, for a program that is about to end: who enters does not come back.
import { closeSync, constants, openSync } from 'node:fs'
import { checked, libc } from './libc.ts'
import { bindMount } from './mount.ts'
import { checkedCall } from './system-error.ts'

const setns: (fd: number, type: number) => number = libc.func('int setns(int fd, int nstype)')
const unshare: (flags: number) => number = libc.func('int unshare(int flags)')

const CLONE_FS = 0x200
const CLONE_NEWNS = 0x00020000

/** Files to be made visible at other paths, all of them paths of that namespace. */
export type MountPlan = { readonly prepare: () => readonly { source: string; target: string }[] }

/**
 * Binds files in the mount namespace at that path (`/proc/PID/ns/mnt`). Synchronous. The calling thread is in that
 * namespace afterwards, for good: only for programs that do nothing else. Repeated, the files lie there twice. Throws
 * a KernelError.
 */
export function bindInMountNamespace(path: string, { prepare }: MountPlan): void {
  const operation = `enter mount namespace ${path}`
  const fd = checkedCall(operation, () => openSync(path, constants.O_RDONLY))
  try {
    // A thread that shares its root and working directory with others may not enter (setns(2)).
    checked(unshare(CLONE_FS), operation)
    checked(setns(fd, CLONE_NEWNS), operation)
    for (const bind of prepare()) bindMount(bind)
  } finally {
    closeSync(fd)
  }
}
