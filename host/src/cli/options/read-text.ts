// The text of a file that somebody names, or of standard input: no more of it than conetd would take.
import { closeSync, openSync, readSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'

const mostBytes = 1_048_576

/** `what` opens the message of the `InvalidArgumentError`: the file cannot be read, or has no end in sight. */
export function readText(source: string | number, what: string): string {
  try {
    return textOf(source, what)
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentError(`${what} cannot be read: ${reason}.`)
  }
}

function textOf(source: string | number, what: string): string {
  if (typeof source === 'number') return readAll(source, what)
  const file = openSync(source, 'r')
  try {
    return readAll(file, what)
  } finally {
    closeSync(file)
  }
}

/** It may be a pipe, which says no size before. */
function readAll(file: number, what: string): string {
  const content = Buffer.alloc(mostBytes + 1)
  let size = 0
  for (;;) {
    const count = readSync(file, content, size, content.length - size, null)
    if (count === 0) return content.toString('utf8', 0, size)
    size += count
    if (size > mostBytes) throw new InvalidArgumentError(`${what} has more than ${mostBytes} bytes.`)
  }
}
