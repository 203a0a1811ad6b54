// Identities. Random ones for networks and endpoints; a hash where a path must stand for any handle.
import { createHash, randomBytes } from 'node:crypto'

/** 64 hexadecimal digits, as networks and endpoints carry them. */
export function newId(): string {
  return randomBytes(32).toString('hex')
}

/** Stands for a container's handle in paths: handles may hold anything, paths may not. */
export function sandboxIdOf(handle: string): string {
  return createHash('sha256').update(handle).digest('hex').slice(0, 32)
}
