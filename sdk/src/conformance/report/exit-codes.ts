// How a run of the command ended, as one number.
import { isFailure, type Report } from './report.ts'

/** The exit codes of `conet-conformance`. */
export const exitCodes = {
  ok: 0,
  failures: 1,
  usage: 2,
  engine: 3,
  unreachable: 4,
  unexpectedPass: 5,
  interrupted: 130,
  terminated: 143,
} as const

type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What each of them means: `--help` and the guide say it in these words. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  [exitCodes.ok]: 'no check failed but those that were expected to',
  [exitCodes.failures]: 'a check failed',
  [exitCodes.usage]: 'the command line, or a file that it names, is wrong; nothing was checked',
  [exitCodes.engine]: 'the kit itself failed, or the machine did',
  [exitCodes.unreachable]: 'the driver cannot be reached, or did not start',
  [exitCodes.unexpectedPass]: 'no check failed, but one that was expected to fail did not',
  [exitCodes.interrupted]: 'ended by Ctrl-C; what the kit had started is ended too',
  [exitCodes.terminated]: 'ended by SIGTERM, in the same way',
}

/** The exit code that says how a run ended: `ok`, `failures`, `engine` or `unexpectedPass`. */
export function exitCodeOf(report: Report): number {
  if (report.checks.some(({ status }) => status === 'error')) return exitCodes.engine
  if (report.checks.some(isFailure)) return exitCodes.failures
  return report.staleExpectations.length > 0 ? exitCodes.unexpectedPass : exitCodes.ok
}
