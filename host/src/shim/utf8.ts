// Words that were no UTF-8: Node reads their bytes as U+FFFD, so that different handles would become one.
import { isUtf8 } from 'node:buffer'

/** What was asked for cannot be meant: wrong whenever it is tried. */
export class Misuse extends Error {
  override readonly name = 'Misuse'
}

/** Throws Misuse. `bytes`: where the handle was read from. */
export function assertUtf8(handle: string, bytes: () => Buffer): void {
  if (handle.includes('\uFFFD') && !isUtf8(bytes()))
    throw new Misuse('the handle must be UTF-8: others of other bytes would be taken for the same')
}
