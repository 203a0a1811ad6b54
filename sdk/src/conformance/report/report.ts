// The outcome of a run as one JSON document. Every other form is rendered from it, so that none can disagree.
import type { Level, Severity } from '../checks/check.ts'

/** How a check ended. */
export type Status =
  | 'pass'
  /** A MUST was broken. */
  | 'fail'
  /** A SHOULD was broken. */
  | 'warn'
  /** The driver does not offer what the check is about. */
  | 'not-applicable'
  /** Left out by the user. */
  | 'disabled'
  /** Something that it needs is missing: a command to restart the driver with, root. */
  | 'untestable'
  /** A bug of the kit, or trouble of the machine. */
  | 'error'

/** A line of a transcript; times in milliseconds since the check began. */
export type EvidenceLine = {
  readonly atMs: number
  readonly what: string
  readonly text: string
  /** The same for a terminal: shortened, without _meta. Absent where it would say nothing. */
  readonly brief?: string
  /** The id of the request that it is, or that it answers. */
  readonly request?: string
}
/** What went over one connection. */
export type Evidence = { readonly connection: number; readonly lines: readonly EvidenceLine[] }

/** What became of one check. */
export type CheckResult = {
  readonly id: string
  readonly area: string
  readonly title: string
  readonly level: Level
  readonly severity: Severity
  readonly rules: readonly string[]
  readonly status: Status
  /** Listed as an expected failure, with the reason given there. */
  readonly expectedFailure?: string
  readonly message?: string
  readonly expected?: string
  readonly found?: string
  readonly why: string
  readonly mend: string
  readonly durationMs: number
  /** A command that runs this check again in the same way. */
  readonly reproduce: string
  /** Trouble in cleaning up, and what the driver wrote to stderr. */
  readonly notes: readonly string[]
  readonly evidence: readonly Evidence[]
}

export type DriverIdentity = {
  readonly name: string
  readonly vendor?: string
  readonly version: string
  readonly instanceId: string
}

/** What became of a run: the JSON form of the report. */
export type Report = {
  readonly schemaVersion: 1
  readonly kit: { readonly name: '@conet/sdk/conformance'; readonly version: string }
  readonly protocolVersion: string
  /** Null when the driver never introduced itself. */
  readonly driver: DriverIdentity | null
  readonly target: string
  readonly level: Level
  /** The highest level of which every check that applies has passed. Null if it is not even the first. */
  readonly reached: Level | null
  readonly seed: number
  readonly timeScale: number
  readonly startedAt: string
  readonly durationMs: number
  readonly node: string
  readonly platform: string
  readonly counts: Readonly<Record<Status, number>>
  /** Checks that are listed as expected failures and did not fail. */
  readonly staleExpectations: readonly string[]
  readonly checks: readonly CheckResult[]
}

/** A broken MUST that nobody expected. */
export function isFailure({ status, expectedFailure }: CheckResult): boolean {
  return status === 'fail' && expectedFailure === undefined
}

/** Listed as an expected failure, and it did not fail: the list is out of date. What was not tried says nothing. */
export function isUnexpectedPass({ status, expectedFailure }: CheckResult): boolean {
  return expectedFailure !== undefined && (status === 'pass' || status === 'not-applicable')
}
