// Which file stands under a socket's path: another one under the same path is another driver's, or its next life's.
import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'

/** With the time of change, because the inode number of a file that is gone is soon given to another. */
export function socketIdentity(path: string, { dev, ino, ctimeNs }: BigIntStats): string {
  return `${path}:${dev}:${ino}:${ctimeNs}`
}

/** Whether the file under the path is the one that was found there. */
export async function stillStands({ path, identity }: { path: string; identity: string }): Promise<boolean> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined)
  return stats !== undefined && socketIdentity(path, stats) === identity
}
