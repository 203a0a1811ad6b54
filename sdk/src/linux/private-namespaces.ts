// A process that leaves the machine's network and mounts behind for good, so that what its children do ends with them.
import { checked, libc } from './libc.ts'
import { makeAllPrivate, mountFileSystem } from './mount.ts'
import { CLONE_NEWNET } from './namespace-type.ts'
import { setLink } from './rtnetlink/link-change.ts'
import { Rtnl } from './rtnetlink/rtnl.ts'

const unshare: (flags: number) => number = libc.func('int unshare(int flags)')
const CLONE_NEWNS = 0x00020000

/**
 * Moves the calling thread, and every process that it starts from then on, into new network and mount namespaces, with
 * loopback up and /sys of the new network. Other threads stay behind: call it on the main thread and leave the work to a
 * child. Not to be taken back. Throws a KernelError, EPERM without root.
 */
export function enterPrivateNamespaces(): void {
  checked(unshare(CLONE_NEWNET | CLONE_NEWNS), 'make network and mount namespaces')
  makeAllPrivate()
  mountFileSystem('sysfs', '/sys')
  using rtnl = Rtnl.open()
  rtnl.run(setLink('lo', { up: true }))
}
