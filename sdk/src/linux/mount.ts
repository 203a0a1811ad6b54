// The mount system calls that conet needs, and what the kernel tells about a mount. It knows no namespaces.
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { checked, libc } from './libc.ts'
import { checkedCall } from './system-error.ts'

const mount: (
  source: string | null,
  target: string,
  type: string | null,
  flags: bigint,
  data: null,
) => number = libc.func(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
)
const umount2: (target: string, flags: number) => number = libc.func(
  'int umount2(const char *target, int flags)',
)

const MS_BIND = 0x1000n
const MS_REC = 0x4000n
const MS_PRIVATE = 0x40000n
const MS_SHARED = 0x100000n
const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8

/** Makes what is at `source` visible at `target` too (mount(8) `--bind`). */
export function bindMount({ source, target }: { source: string; target: string }): void {
  checked(mount(source, target, null, MS_BIND, null), `bind ${source} to ${target}`)
}

/** Lets mounts below this mount point reach the mount namespaces that are copied from this one later. */
export function makeShared(mountPoint: string): void {
  checked(mount(null, mountPoint, null, MS_SHARED, null), `make the mount ${mountPoint} shared`)
}

/** Cuts every mount of this mount namespace off from those that it was copied from. */
export function makeAllPrivate(): void {
  checked(mount(null, '/', null, MS_REC | MS_PRIVATE, null), 'make all mounts private')
}

/** Mounts a file system that needs no device: `sysfs`, `tmpfs`. */
export function mountFileSystem(type: string, target: string): void {
  checked(mount(type, target, type, 0n, null), `mount ${type} on ${target}`)
}

/** Takes the topmost mount off a path, also while it is in use; follows no symbolic link. EINVAL when there is none. */
export function detachMount(path: string): void {
  checked(umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW), `unmount ${path}`)
}

/** One mount of the calling process's mount namespace, from mountinfo (proc(5)). */
export type MountEntry = { id: string; mountPoint: string; isShared: boolean }

/** The number of the mount on which a path lies. The kernel may give it to another mount after an unmount. */
export function mountIdOf(path: string): string {
  const operation = `find the mount of ${path}`
  const fd = checkedCall(operation, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
  try {
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
    const id = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1]
    if (id === undefined) throw new Error(`${operation}: /proc/self/fdinfo names none`)
    return id
  } finally {
    closeSync(fd)
  }
}

export function readMounts(): MountEntry[] {
  const lines = readFileSync('/proc/thread-self/mountinfo', 'utf8').split('\n')
  return lines.filter((line) => line !== '').map(parseMountEntry)
}

/** `36 35 98:0 /root /mount\040point rw,noatime shared:1 master:2 - ext3 /dev/root rw` */
function parseMountEntry(line: string): MountEntry {
  const [id = '', , , , mountPoint = '', , ...rest] = line.split(' ')
  const optional = rest.slice(0, rest.indexOf('-'))
  return {
    id,
    mountPoint: mountPoint.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    ),
    isShared: optional.some((field) => field.startsWith('shared:')),
  }
}
