// The report of a run from the results of its checks.

import { protocolVersions } from '../../protocol/index.ts'
import { type Level, levels } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'
import { kitVersion } from '../kit-version.ts'
import {
  type CheckResult,
  type DriverIdentity,
  isUnexpectedPass,
  type Report,
  type Status,
} from '../report/report.ts'

export type SummaryOptions = {
  readonly results: readonly CheckResult[]
  readonly driver: DriverIdentity | null
  readonly target: string
  readonly level: Level
  readonly seed: number
  readonly timeScale: number
  readonly startedAt: Date
  readonly durationMs: number
}

export function summary(options: SummaryOptions): Report {
  const { results, startedAt, durationMs, ...rest } = options
  return {
    schemaVersion: 1,
    kit: { name: '@conet/sdk/conformance', version: kitVersion },
    protocolVersion: protocolVersions[0] ?? '',
    ...rest,
    reached: reached(results),
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(durationMs),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    counts: countsOf(results),
    staleExpectations: results.filter(isUnexpectedPass).map(({ id }) => id),
    checks: results,
  }
}

function countsOf(results: readonly CheckResult[]): Record<Status, number> {
  const counts: Record<Status, number> = {
    pass: 0,
    fail: 0,
    warn: 0,
    'not-applicable': 0,
    disabled: 0,
    untestable: 0,
    error: 0,
  }
  for (const { status } of results) counts[status] += 1
  return counts
}

const good: readonly Status[] = ['pass', 'warn', 'not-applicable']

/** What is left out or cannot be tested is no proof, so it holds a level back as a failure does. */
function reached(results: readonly CheckResult[]): Level | null {
  const passed = new Set(results.filter(({ status }) => good.includes(status)).map(({ id }) => id))
  let highest: Level | null = null
  for (const level of levels) {
    const wanted = allChecks.filter((check) => check.level === level)
    if (!wanted.every(({ id }) => passed.has(id))) break
    highest = level
  }
  return highest
}
