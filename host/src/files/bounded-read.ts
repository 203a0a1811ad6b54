// The whole of a file that somebody names, if it has an end in sight: /dev/zero has none, and a pipe says no size before.
import { closeSync, openSync, readSync } from 'node:fs'

/** What conetd takes of a request too. */
export const mostFileBytes = 1_048_576

export class FileTooLarge extends Error {
  override readonly name = 'FileTooLarge'

  constructor() {
    super(`it has more than ${mostFileBytes} bytes`)
  }
}

/** Throws `FileTooLarge`, or what Node says of a file that cannot be read. A number is an open file. */
export function readBounded(source: string | number): Buffer {
  if (typeof source === 'number') return readAll(source)
  const file = openSync(source, 'r')
  try {
    return readAll(file)
  } finally {
    closeSync(file)
  }
}

function readAll(file: number): Buffer {
  const content = Buffer.alloc(mostFileBytes + 1)
  let size = 0
  for (;;) {
    const count = readSync(file, content, size, content.length - size, null)
    if (count === 0) return content.subarray(0, size)
    size += count
    if (size > mostFileBytes) throw new FileTooLarge()
  }
}
