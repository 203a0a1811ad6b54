// What the name of a socket file tells of its driver before the driver has: `NAME.sock` or `NAME-INSTANCE.sock`.
// A hint only; the name that counts comes with the handshake.
import { basename } from 'node:path'

export function mayBeSocketOf(path: string, driver: string): boolean {
  const stem = basename(path, '.sock')
  return stem === driver || stem.startsWith(`${driver}-`)
}

/** Whether it is where a driver of that name listens that the host has started. */
export function isSocketOf(path: string, driver: string): boolean {
  return basename(path) === `${driver}.sock`
}
