// The kit as tests of somebody's test runner: one test a check, for vitest, node:test and those like them.
import type { Check } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'
import { excerptOf } from '../report/excerpt.ts'
import { type CheckResult, isFailure, isUnexpectedPass } from '../report/report.ts'
import { ruleLine } from '../rules/protocol-rules.ts'
import { ConformanceRun } from '../runner/conformance-run.ts'
import type { ConformanceOptions } from '../runner/options.ts'
import { ordered, type Selected, select } from '../runner/selection.ts'

/** What a test knows of itself: enough to say that it does not apply. */
export type TestContext = { skip(reason?: string): unknown }

/** The functions of a test runner, as `vitest` and `node:test` export them. */
export type TestFunctions = {
  describe(name: string, body: () => void): unknown
  it(name: string, options: { timeout: number }, body: (context: TestContext) => Promise<void>): unknown
  /** vitest: `beforeAll`; node:test: `before`. */
  beforeAll(body: () => Promise<void>): unknown
  /** vitest: `afterAll`; node:test: `after`. */
  afterAll(body: () => Promise<void>): unknown
}

const testLimitMs = 60_000

/**
 * Declares one test for each check that is selected; they share one driver, started before the first and ended after the
 * last. A check that does not apply, or cannot be run, is skipped with its reason; a warning passes. Throws a UsageError.
 *
 *     import { afterAll, beforeAll, describe, it } from 'vitest'
 *     conformanceTests({ command: 'node my-driver.js --socket {socket}' }, { describe, it, beforeAll, afterAll })
 */
export function conformanceTests(options: ConformanceOptions, functions: TestFunctions): void {
  const { describe, it, beforeAll, afterAll } = functions
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
  const timeout = testLimitMs * Math.max(1, options.timeScale ?? 1)
  describe(`driver conformance, seed ${seed}`, () => {
    let run: ConformanceRun | undefined
    beforeAll(async () => {
      run = await ConformanceRun.open({ ...options, seed })
    })
    afterAll(async () => {
      await run?.[Symbol.asyncDispose]()
    })
    for (const selected of ordered(select(allChecks, options))) {
      it(nameOf(selected.check), { timeout }, async (context) => {
        if (run === undefined) throw new Error('the driver was not started')
        await judge(run, selected, context)
      })
    }
  })
}

function nameOf({ id, title }: Check): string {
  return `${id}: ${title}`
}

async function judge(run: ConformanceRun, selected: Selected, context: TestContext): Promise<void> {
  const result = await run.run(selected)
  const { status, message = '', id } = result
  if (isFailure(result) || status === 'error') throw new Error(explained(result))
  if (isUnexpectedPass(result)) {
    throw new Error(`${id} is listed as an expected failure, and did not fail: take it off the list`)
  }
  // vitest leaves the test here by throwing; node:test goes on to its end.
  if (status !== 'pass' && status !== 'warn') context.skip(`${status}: ${message}`)
}

function explained(result: CheckResult): string {
  const { id, message, expected, found, rules, why, mend, reproduce } = result
  const evidence = [expected && `expected: ${expected}`, found && `found: ${found}`, excerptOf(result)]
  const lines = [message, ...evidence.filter(Boolean), ...rules.map(ruleLine), why, mend, reproduce]
  return `${id}: ${lines.join('\n').replaceAll('\n', '\n  ')}`
}
