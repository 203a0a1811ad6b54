// `conet-conformance run`: the options to a run, its results to the terminal and to files.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { Level } from '../checks/check.ts'
import { exitCodeOf, exitCodes } from '../report/exit-codes.ts'
import { formats } from '../report/formats.ts'
import type { Report } from '../report/report.ts'
import { outcomeText, progressLine } from '../report/text.ts'
import { runConformance } from '../runner/conformance-run.ts'
import type { TargetOptions } from '../runner/options.ts'
import { UsageError } from '../runner/usage-error.ts'
import { DriverUnreachable } from '../wire/raw-connection.ts'
import type { Json } from '../wire/strict-parser.ts'
import { canIsolate, runIsolated } from './isolation.ts'
import type { ReportTarget } from './options.ts'
import type { Terminal } from './terminal.ts'

/** As commander hands them over. */
export type RunOptions = {
  readonly socket?: string
  readonly command?: string
  readonly level: Level
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly seed?: number
  readonly path?: string
  readonly replayPath?: string
  readonly timeScale: number
  readonly expectedFailures?: Readonly<Record<string, string>>
  readonly networkConfig?: Json
  readonly attachmentOptions?: Json
  readonly report?: readonly ReportTarget[]
  readonly quiet?: boolean
  readonly isolation: boolean
}

/** Resolves to the exit code. Rejects with a UsageError, or with the Interruption that ended it. */
export async function runChecks(options: RunOptions, terminal: Terminal): Promise<number> {
  const { socket, command, report: targets = [], quiet = false, isolation, ...rest } = options
  const target = targetOf(socket, command)
  if (command !== undefined && isolation && canIsolate()) return runIsolated(terminal.signal)
  for (const { file } of targets) assertWritable(file)
  const ownsStdout = targets.some(({ file }) => file === '-')
  const say = ownsStdout ? terminal.err : terminal.out
  try {
    const report = await runConformance(
      { ...rest, ...target },
      {
        onResult: (result, done, total) => {
          if (!quiet) say(progressLine(result, done, total))
        },
        signal: terminal.signal,
      },
    )
    say(`\n${outcomeText(report)}`)
    for (const wanted of targets) write(wanted, report, terminal)
    return exitCodeOf(report)
  } catch (error) {
    if (!(error instanceof DriverUnreachable)) throw error
    terminal.err(`conet-conformance: ${error.message}\n`)
    return exitCodes.unreachable
  }
}

function targetOf(socketPath: string | undefined, command: string | undefined): TargetOptions {
  if (socketPath !== undefined && command === undefined) return { socketPath }
  if (command !== undefined && socketPath === undefined) return { command }
  throw new UsageError('say where the driver is: either --socket PATH or --command "… {socket} …"')
}

/** Before the run: it would be a pity afterwards. */
function assertWritable(file: string): void {
  if (file === '-') return
  try {
    closeSync(openSync(file, 'a'))
  } catch (error) {
    throw new UsageError(`--report: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function write({ format, file }: ReportTarget, report: Report, terminal: Terminal): void {
  const text = formats[format](report)
  if (file === '-') terminal.out(text)
  else writeFileSync(file, text)
}
