// One crash: a scenario is prepared, conetd or its driver dies at a failpoint in the midst of its step, and is started
// again. Then record and kernel must agree, the step must work, and everything must be removable.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Rollback } from '@conet/sdk'
import { expect } from 'vitest'
import { expectAgreement } from '../support/agreement.ts'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { makeNetworks, type ScenarioName, scenarios } from './scenarios.ts'

type Crash = (step: () => Promise<unknown>) => Promise<void>

async function inScenario(fixture: ConetdFixture, name: ScenarioName, crash: Crash): Promise<void> {
  try {
    await goThrough(fixture, name, crash)
  } catch (error) {
    // One failure must not become that of all tests behind it. What it left shows here or there.
    await fixture.reset().catch(() => undefined)
    throw error
  }
}

async function goThrough(fixture: ConetdFixture, name: ScenarioName, crash: Crash): Promise<void> {
  await using stack = new Rollback()
  await makeNetworks(fixture, 'bridge')
  const step = await scenarios[name]({ fixture, stack })
  await crash(step)
  await fixture.settled()
  await expectAgreement(fixture)
  await step()
  await fixture.settled()
  await expectAgreement(fixture)
  await step()
  await expectAgreement(fixture)
  await fixture.removeEverything()
}

/** conetd dies at the failpoint, in the scenario's step. */
export function crashConetdIn(fixture: ConetdFixture, name: ScenarioName, failpoint: string): Promise<void> {
  return inScenario(fixture, name, async (step) => {
    fixture.arm('conetd', failpoint)
    await step().catch(() => undefined)
    await expectDeath(fixture)
    await fixture.start()
  })
}

/** conetd dies at the first failpoint in the scenario's step, and when it is started again at the second one. */
export function crashConetdTwiceIn(
  fixture: ConetdFixture,
  name: ScenarioName,
  [first, second]: readonly [string, string],
): Promise<void> {
  return inScenario(fixture, name, async (step) => {
    fixture.arm('conetd', first)
    await step().catch(() => undefined)
    await expectDeath(fixture)
    fixture.launch(second)
    await expectDeath(fixture)
    await fixture.start()
  })
}

/** conetd forgets its sandboxes and endpoints, and dies while it tidies up behind itself. */
export function crashConetdAfterLossIn(
  fixture: ConetdFixture,
  name: ScenarioName,
  failpoint: string,
): Promise<void> {
  return inScenario(fixture, name, async (step) => {
    await step()
    await fixture.kill()
    rmSync(join(fixture.directory, 'run/store'), { recursive: true })
    fixture.launch(failpoint)
    await expectDeath(fixture)
    await fixture.start()
  })
}

type DriverDeath = { readonly driver: string; readonly failpoint: string }

/** The driver dies at the failpoint, in the scenario's step: what fails, fails with a code. */
export function crashDriverIn(
  fixture: ConetdFixture,
  name: ScenarioName,
  { driver, failpoint }: DriverDeath,
): Promise<void> {
  return inScenario(fixture, name, async (step) => {
    fixture.arm(driver, failpoint)
    const failure = step().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(await fixture.driver(driver).exited).toBe('SIGKILL')
    await fixture.launchDriver(driver)
    expectExplained(await failure)
    await fixture.driversReady()
  })
}

/** The driver dies when conetd tells it what should be, or before. */
export function crashDriverAtConnectIn(
  fixture: ConetdFixture,
  name: ScenarioName,
  { driver, failpoint }: DriverDeath,
): Promise<void> {
  return inScenario(fixture, name, async (step) => {
    await step()
    await fixture.driver(driver).end('SIGKILL')
    const armed = await fixture.launchDriver(driver, failpoint)
    expect(await armed.exited).toBe('SIGKILL')
    await fixture.launchDriver(driver)
    await fixture.driversReady()
  })
}

/** A removal answers `deleting` instead of failing, which its scenario did not expect. */
function expectExplained(failure: unknown): void {
  if (failure === undefined || isAssertion(failure)) return
  expect(failure).toMatchObject({ kind: 'driverUnavailable' })
}

function isAssertion(failure: unknown): boolean {
  return failure instanceof Error && failure.name === 'AssertionError'
}

async function expectDeath(fixture: ConetdFixture): Promise<void> {
  const death = fixture.conetd.ended()
  let how: unknown = 'alive'
  void death.then((end) => {
    how = end
  })
  await eventually(() => expect(how, 'how conetd ended').toBe('SIGKILL'), { timeoutMs: 5_000 })
}
