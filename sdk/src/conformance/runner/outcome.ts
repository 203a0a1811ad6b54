// From how a check ended to its status.
import type { Severity } from '../checks/check.ts'
import { NotApplicable, type Replay, Untestable, Violation } from '../checks/verdicts.ts'
import type { Status } from '../report/report.ts'
import { DriverUnreachable } from '../wire/raw-connection.ts'

export type Outcome = {
  readonly status: Status
  readonly message?: string
  readonly expected?: string
  readonly found?: string
  readonly replay?: Replay
  /** In place of the check’s own. */
  readonly mend?: string
}

export const passed: Outcome = { status: 'pass' }

/** What a check threw: a verdict, or a bug of the kit. */
export function outcomeOf(error: unknown, severity: Severity): Outcome {
  if (error instanceof Violation) {
    const { message, expected, found, replay, mend } = error
    return {
      status: severity === 'must' ? 'fail' : 'warn',
      message,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      ...(replay !== undefined && { replay }),
      ...(mend !== undefined && { mend }),
    }
  }
  if (error instanceof DriverUnreachable) return { status: 'fail', message: error.message }
  if (error instanceof NotApplicable) return { status: 'not-applicable', message: error.message }
  if (error instanceof Untestable) return { status: 'untestable', message: error.message }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { status: 'error', message: text }
}
