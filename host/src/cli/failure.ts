// An error as a person reads it on the terminal: what was being done and why it failed, then what to do next.
import { ConetError } from '@conet/sdk/client'
import { exitCodeOf, exitCodes } from './exit-code.ts'
import { printable } from './show/printable.ts'

/** The lines were printed already; what is left is the exit code. */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure'
  readonly exitCode: number

  constructor(exitCode: number) {
    super('reported')
    this.exitCode = exitCode
  }
}

export type Failure = { readonly text: string; readonly exitCode: number }

/** What the command that ran knows of its errors. */
export type CommandKnowledge = {
  /** For errors that bring no help of their own: where what was not found can be looked up. */
  readonly hints: readonly string[]
  /** Its help, for values that are wrong: `conet net plug --help`. */
  readonly usage?: string | undefined
  /** The flags on the command line from which that field of the request comes, where they have another name. */
  flagsOf(path: string): readonly string[]
}

export function failureOf(error: unknown, command: CommandKnowledge): Failure {
  if (ConetError.is(error)) return knownFailure(error, command)
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { text: `conet: a bug in conet: ${message}\n`, exitCode: exitCodes.failed }
}

export function usageFailure(message: string, hints: readonly string[]): Failure {
  return { text: lines([`conet: ${printable(message)}`, ...hints.map(tryLine)]), exitCode: exitCodes.usage }
}

function knownFailure(error: ConetError, command: CommandKnowledge): Failure {
  const help = error.help === undefined ? hintsFor(error, command) : error.help.split('\n')
  const text = lines([
    `conet: ${printable(error.message)}`,
    ...fieldLines(error, command),
    ...help.map(tryLine),
  ])
  return { text, exitCode: exitCodeOf(error.kind) }
}

/** One line a field. Of one that the message tells already, only the flag that it comes from, if any. */
function fieldLines({ fields, message }: ConetError, { flagsOf }: CommandKnowledge): string[] {
  return fields.flatMap(({ path, message: fault }) => {
    const isTold = fault === message || (message.includes(fault) && message.includes(path))
    const flags = flagsOf(path).join(' or ')
    if (isTold) return flags === '' ? [] : [printable(`  ${path} comes from ${flags}`)]
    return [printable(`  ${path}${flags === '' ? '' : ` (from ${flags})`}: ${fault}`)]
  })
}

function hintsFor(
  { kind, operationState }: ConetError,
  { hints, usage }: CommandKnowledge,
): readonly string[] {
  if (kind === 'notFound' || kind === 'notAttached') return hints
  if (kind === 'unknownDriver' || kind === 'driverUnavailable') return ['conet driver list']
  if (kind === 'addressInUse' || kind === 'addressOutOfRange')
    return ['name another one, or none: conet chooses one that is free']
  if (kind === 'addressesExhausted')
    return [
      'conet pool list, which shows what is taken; unplug what is not needed, or make a network with a larger subnet',
    ]
  if (operationState === 'unknown' && kind !== 'internal') {
    return [
      'look whether it was done (inspect, `conet status`) before you repeat the command: a plug makes one endpoint more each time',
    ]
  }
  return usage !== undefined && exitCodeOf(kind) === exitCodes.usage ? [usage] : []
}

function tryLine(hint: string): string {
  return `try: ${printable(hint)}`
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
