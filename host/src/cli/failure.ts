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

/** `hints` are for errors that bring no help of their own. */
export function failureOf(error: unknown, hints: readonly string[] = []): Failure {
  if (ConetError.is(error)) return knownFailure(error, hints)
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { text: `conet: a bug in conet: ${message}\n`, exitCode: exitCodes.failed }
}

export function usageFailure(message: string, hints: readonly string[]): Failure {
  return { text: lines([`conet: ${printable(message)}`, ...hints.map(tryLine)]), exitCode: exitCodes.usage }
}

function knownFailure(error: ConetError, hints: readonly string[]): Failure {
  const help = error.help === undefined ? hintsFor(error, hints) : error.help.split('\n')
  const text = lines([`conet: ${printable(error.message)}`, ...fieldLines(error), ...help.map(tryLine)])
  return { text, exitCode: exitCodeOf(error.kind) }
}

/** One line a field, but for one that the message tells already: a flag of the command line has another name than its field. */
function fieldLines({ fields, message }: ConetError): string[] {
  return fields
    .filter((field) => field.message !== message)
    .filter((field) => !message.includes(field.message) || !message.includes(field.path))
    .map((field) => printable(`  ${field.path}: ${field.message}`))
}

function hintsFor({ kind, operationState }: ConetError, hints: readonly string[]): readonly string[] {
  if (kind === 'notFound') return hints
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
  return []
}

function tryLine(hint: string): string {
  return `try: ${printable(hint)}`
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
