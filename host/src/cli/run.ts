// One command line, from its words to its exit code. Knows no process.
import { exitCodes } from './exit-code.ts'
import { buildProgram } from './program.ts'
import { Interruption, type Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** Never rejects. */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const { root, context } = buildProgram(terminal)
  let code: number = exitCodes.ok
  try {
    await root.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (error instanceof UsageError) return await reportUsage(error, terminal)
    const { ReportedFailure } = await import('./failure.ts')
    code = error instanceof ReportedFailure ? error.exitCode : await context.report(error)
  }
  const { reason } = terminal.signal
  return reason instanceof Interruption ? reason.exitCode : code
}

async function reportUsage(error: UsageError, terminal: Terminal): Promise<number> {
  if (error.isHarmless) return exitCodes.ok
  if (error.hasMessage) {
    const { usageFailure } = await import('./failure.ts')
    terminal.err(usageFailure(error.message, [error.hint]).text)
  }
  return exitCodes.usage
}
