// How a check ends before its end: each of these is thrown, and becomes a status of the report.

/** Where in the random sequences of a seed a failure is. */
export type Replay = { readonly path: string; readonly replayPath: string }

/** `mend` stands in place of the check’s own, where the failure is about something else. */
type Facts = { expected?: unknown; found?: unknown; replay?: Replay; mend?: string; atMs?: number }

/** The driver did not do what the rule asks. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly expected: string | undefined
  readonly found: string | undefined
  readonly replay: Replay | undefined
  readonly mend: string | undefined
  /** When it was found, on the clock of transcripts: what is said later only takes away. */
  readonly atMs: number

  /** `found` and `expected` may be any JSON; they are shown in the report. */
  constructor(message: string, { expected, found, replay, mend, atMs = performance.now() }: Facts = {}) {
    super(message)
    this.atMs = atMs
    this.replay = replay
    this.mend = mend
    this.expected = shown(expected)
    this.found = shown(found)
  }
}

/** The driver does not offer what the check is about. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** Something that the check needs is not there: no command to restart the driver with, no root. */
export class Untestable extends Error {
  override readonly name = 'Untestable'
}

/** Fails the check unless `condition` holds. */
export function expect(
  condition: boolean,
  message: string,
  evidence: { expected?: unknown; found?: unknown } = {},
): asserts condition {
  if (!condition) throw new Violation(message, evidence)
}

const mostShown = 2_000

function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text
}
