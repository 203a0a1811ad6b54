// Says what a path or an open file is, as far as namespaces go. It opens nothing.
import { statfsSync } from 'node:fs'
import { checked, libc } from './libc.ts'

const ioctl: (fd: number, request: bigint) => number = libc.func('int ioctl(int fd, unsigned long request)')

const NSFS_MAGIC = 0x6e736673
/** `_IO(0xb7, 0x3)`: answers with the CLONE_NEW… flag of the namespace's type (ioctl_ns(2)). */
const NS_GET_NSTYPE = 0xb703n

/** The flag that means "network" to setns, unshare and NS_GET_NSTYPE. */
export const CLONE_NEWNET = 0x40000000

const typesByFlag = new Map<number, NamespaceType>([
  [CLONE_NEWNET, 'network'],
  [0x00020000, 'mount'],
  [0x02000000, 'cgroup'],
  [0x04000000, 'uts'],
  [0x08000000, 'ipc'],
  [0x10000000, 'user'],
  [0x20000000, 'pid'],
  [0x00000080, 'time'],
])

/** The kinds of namespaces(7). */
export type NamespaceType =
  | 'network'
  | 'mount'
  | 'cgroup'
  | 'uts'
  | 'ipc'
  | 'user'
  | 'pid'
  | 'time'
  | 'unknown'

/** The type of the namespace behind an open file; undefined when the file is no namespace. */
export function namespaceTypeOf(fd: number): NamespaceType | undefined {
  if (!isOnNamespaceFileSystem(`/proc/self/fd/${fd}`)) return undefined
  const flag = checked(
    ioctl(fd, NS_GET_NSTYPE),
    `read the type of the namespace behind file descriptor ${fd}`,
  )
  return typesByFlag.get(flag) ?? 'unknown'
}

/** Whether the path leads to a namespace of any type. Throws the file system's error when it leads nowhere. */
export function isOnNamespaceFileSystem(path: string): boolean {
  return statfsSync(path).type === NSFS_MAGIC
}
