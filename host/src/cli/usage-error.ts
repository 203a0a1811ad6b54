// A command line that cannot be understood, and the command whose help explains it.
import type { Command, CommanderError } from 'commander'

export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** True for `--help` and `--version`: nothing is wrong. */
  readonly isHarmless: boolean
  /** False when commander wrote the help already, because a command was missing. */
  readonly hasMessage: boolean
  /** `conet net create --help`. */
  readonly hint: string

  constructor(cause: CommanderError, command: Command) {
    super(oneLine(cause.message), { cause })
    this.isHarmless = cause.exitCode === 0
    this.hasMessage = cause.code !== 'commander.help'
    this.hint = `${pathOf(command)} --help`
  }
}

/** commander puts the nearest known word on a line of its own, and a value before what is wrong with it, which names it too. */
function oneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/^command-argument value '.*' is invalid for argument '[^']*'\. /s, '')
    .replaceAll('\n', ' ')
}

/** `conet net create` */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
