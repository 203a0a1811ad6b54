// The handles that conetd takes of runtimes: any text in UTF-8 without a zero byte, up to 1024 bytes.
import { isUtf8 } from 'node:buffer'

const longestBytes = 1024
/** JSON can write it as an escape, UTF-8 cannot. */
const halfPair = /\p{Surrogate}/u

/** What was asked for cannot be meant: wrong whenever it is tried. */
export class Misuse extends Error {
  override readonly name = 'Misuse'
}

/**
 * Throws Misuse. `bytes`: where the handle was read from. What is no UTF-8 Node reads as U+FFFD, so that different handles
 * would become one.
 */
export function assertText(handle: string, bytes: () => Buffer): void {
  const isText = !halfPair.test(handle) && (!handle.includes('\uFFFD') || isUtf8(bytes()))
  if (!isText) throw new Misuse('the handle must be UTF-8: others of other bytes would be taken for the same')
  if (handle.includes('\0')) throw new Misuse('the handle must have no zero byte')
}

/** Throws Misuse. */
export function assertLength(handle: string): void {
  if (!isTooLong(handle)) return
  throw new Misuse(`the handle must have at most ${longestBytes} bytes; it has ${Buffer.byteLength(handle)}`)
}

export function isTooLong(handle: string): boolean {
  return Buffer.byteLength(handle) > longestBytes
}
