// Identities. Random ones for networks and endpoints; a hash where a path must stand for any handle.
import { createHash, randomFillSync } from 'node:crypto'

const idBytes = 32

/** Asking for random bytes costs much the same for one id as for many. */
const pool = Buffer.alloc(64 * idBytes)
let used = pool.length

/** 64 hexadecimal digits, as networks and endpoints carry them. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const id = pool.toString('hex', used, used + idBytes)
  used += idBytes
  return id
}

/** Stands for a container's handle in paths: handles may hold anything, paths may not. */
export function sandboxIdOf(handle: string): string {
  return createHash('sha256').update(handle).digest('hex').slice(0, 32)
}

/** The name of a network that is a container's own: as its attachment's, and like no other container's. */
export function ownNetworkName(handle: string, attachment: string): string {
  const unique = createHash('sha256')
    .update(JSON.stringify([handle, attachment]))
    .digest('hex')
    .slice(0, 12)
  return `${attachment.slice(0, 50)}-${unique}`
}
