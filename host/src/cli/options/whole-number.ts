// Numbers in options.
import { InvalidArgumentError } from 'commander'

export function parseWholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It is not a whole number.')
}

/** setTimeout takes no more than 2^31 - 1 ms and would fire at once. */
const mostSeconds = 2_000_000

/** Seconds, also parts of them, as milliseconds. */
export function parseSeconds(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= mostSeconds) return Math.ceil(value * 1000)
  throw new InvalidArgumentError(`It is not a number of seconds above 0 and at most ${mostSeconds}.`)
}
