// Makes a KernelError of the text that libnftables prints. The text is all there is: no function of the
// library tells the errno, and what a failed call leaves in the thread's errno is an earlier call's as often as not.
import { constants } from 'node:os'
import { KernelError } from './kernel-error.ts'
import { libc } from './libc.ts'

const strerror: (errno: number) => string = libc.func('const char *strerror(int errnum)')

const EINVAL = 22

/** `No such file or directory` → 2; libnftables takes its words from the same function of the C library. */
const errnosByText = new Map(Object.values(constants.errno).map((errno) => [strerror(errno), errno]))

/**
 * The error for a transaction that was refused. `EINVAL` stands for whatever libnftables itself did not
 * understand. The message has its words, the token that it underlines, and the line of the ruleset.
 */
export function nftablesError(operation: string, text: string): KernelError {
  const [first = '', source = '', marks = ''] = text.split('\n')
  const parsed = /^(?:.*?:(\d+):[\d-]+: )?(?:\w+: )?Error: (.*)$/.exec(first)
  if (parsed === null) return new KernelError({ errno: EINVAL, operation, kernelMessage: text.trim() })
  const [, line, words = ''] = parsed
  const token = tokenAt(source, marks)
  const where = line === undefined ? '' : ` in line ${line}`
  const kernelMessage = `${words}${token === '' ? where : `, at ${JSON.stringify(token)}${where}: ${source.trim()}`}`
  return new KernelError({ errno: errnoOf(words), operation, kernelMessage })
}

/** The part of the line above that `^^^^` underlines; a lone mark behind the line means its end. */
function tokenAt(source: string, marks: string): string {
  const start = marks.indexOf('^')
  if (start < 0) return ''
  return source.slice(start, marks.lastIndexOf('^') + 1).trim()
}

/** `Could not process rule: File exists`; `No such file or directory; did you mean table …`. */
function errnoOf(words: string): number {
  const parts = words.split(/: |; /)
  const known = parts.map((part) => errnosByText.get(part)).find((errno) => errno !== undefined)
  return known ?? EINVAL
}
