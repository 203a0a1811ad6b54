// Which files this process has open. A bare count would also move with the test runner's own pipes.
import { readdirSync, readlinkSync } from 'node:fs'

/** How many descriptors lead to something that matches: a path, `net:[…]`, `socket:[…]`. */
export function countOpenFiles(pattern: RegExp): number {
  return readdirSync('/proc/self/fd').filter((fd) => pattern.test(targetOf(fd))).length
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // Closed since the listing: the listing's own descriptor is always one of these.
    return ''
  }
}
