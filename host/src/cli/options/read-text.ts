// The text of a file that somebody names, or of standard input: no more of it than conetd would take.
import { InvalidArgumentError } from 'commander'
import { FileTooLarge, mostFileBytes, readBounded } from '../../files/bounded-read.ts'

/** `what` opens the message of the `InvalidArgumentError`: the file cannot be read, or has no end in sight. */
export function readText(source: string | number, what: string): string {
  try {
    return readBounded(source).toString('utf8')
  } catch (error) {
    if (error instanceof FileTooLarge)
      throw new InvalidArgumentError(`${what} has more than ${mostFileBytes} bytes.`)
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentError(`${what} cannot be read: ${reason}.`)
  }
}
