// The directory that holds namespaces as bind mounts, and who else can see what is mounted there.
import { mkdirSync } from 'node:fs'
import { KernelError } from './kernel-error.ts'
import { bindMount, detachMount, makeShared, mountIdOf, readMounts } from './mount.ts'
import { checkedCall } from './system-error.ts'

/** Directories found ready, with the mount on which they were. mountinfo has a line for each namespace, so it is read once. */
const readyOn = new Map<string, string>()

/**
 * Makes a directory (0755) in which bound namespaces can be seen by other processes, runtimes and drivers,
 * also by those that have a mount namespace of their own. May be repeated.
 *
 * What carries a mount to other mount namespaces is shared propagation (mount_namespaces(7)). Where the
 * directory lies on a shared mount, as everywhere under systemd, that is all it takes: another mount on top of
 * it would be in the same peer group, and each namespace would appear twice. Where it does not, the directory
 * becomes a shared mount of its own, which reaches mount namespaces copied from ours later. Nothing reaches
 * those that exist already or that were made private: there a driver sees a plain file (`sandboxUnreachable`).
 */
export function prepareNamespaceDirectory(directory: string): void {
  checkedCall(`make directory ${directory}`, () => mkdirSync(directory, { recursive: true, mode: 0o755 }))
  const mountId = mountIdOf(directory)
  if (readyOn.get(directory) === mountId) return
  const entry = readMounts().find(({ id }) => id === mountId)
  if (entry?.isShared !== true) {
    if (entry?.mountPoint !== directory) bindMount({ source: directory, target: directory })
    makeShared(directory)
  }
  readyOn.set(directory, mountIdOf(directory))
}

/**
 * Takes back what `prepareNamespaceDirectory` mounted; the directory itself stays. For the end of a test or
 * an uninstall: namespaces that are still bound below it are let go too. Fine when nothing is mounted.
 */
export function releaseNamespaceDirectory(directory: string): void {
  readyOn.delete(directory)
  try {
    detachMount(directory)
  } catch (error) {
    // EINVAL: it is no mount point, since it lies on a mount that was shared already. ENOENT: it is gone.
    if (!KernelError.is(error, 'EINVAL', 'ENOENT')) throw error
  }
}
