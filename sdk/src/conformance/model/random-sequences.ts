// Random sequences of steps against a driver and the model; what fails is made as short as it can be.
import fc from 'fast-check'
import { Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import { expectLists } from './invariants.ts'
import type { Model, Real } from './model.ts'
import { firstSteps, type Step } from './steps.ts'

export type SequenceOptions = {
  readonly steps: readonly Step[]
  readonly sequences: number
  readonly mostSteps: number
  /** How many namespaces there are to plug into. */
  readonly sandboxes: number
}

/** Rejects with a Violation that has the shortest sequence found, and how to run it again. */
export async function runSequences(kit: CheckContext, options: SequenceOptions): Promise<void> {
  const { seed, path, replayPath } = kit.property
  const commands = fc.commands(
    options.steps.map((step) => fc.nat(99).map((position) => new StepCommand(step, position))),
    // Else most sequences would have a handful of steps.
    { maxCommands: options.mostSteps, size: 'max', ...(replayPath !== undefined && { replayPath }) },
  )
  const property = fc.asyncProperty(commands, (sequence) => runOne(kit, options, sequence))
  const details = await fc.check(property, {
    seed: seed | 0,
    numRuns: options.sequences,
    // Each step of shrinking is a sequence of real calls.
    interruptAfterTimeLimit: kit.scaled(mostMs),
    markInterruptAsFailure: false,
    ...(path !== undefined && { path, endOnFailure: true }),
  })
  if (details.failed) throw explained(details)
}

const mostMs = 25_000

async function runOne(
  kit: CheckContext,
  options: SequenceOptions,
  sequence: Iterable<fc.AsyncCommand<Model, Real>>,
): Promise<void> {
  const model: Model = { networks: new Map(), endpoints: new Map() }
  const sandboxes = Array.from({ length: options.sandboxes }, () => kit.sandbox())
  const real: Real = { kit, host: await kit.connect(), sandboxes, ids: new Set() }
  try {
    for (const [position, step] of firstSteps.entries()) await step.run(model, real, position)
    await fc.asyncModelRun(() => ({ model, real }), sequence)
  } finally {
    real.host.close()
    await kit.takeAway()
    for (const sandbox of sandboxes) kit.deleteSandbox(sandbox)
  }
}

class StepCommand implements fc.AsyncCommand<Model, Real> {
  readonly #step: Step
  readonly #position: number

  constructor(step: Step, position: number) {
    this.#step = step
    this.#position = position
  }

  check(model: Model): boolean {
    return this.#step.isPossible(model)
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#step.run(model, real, this.#position)
    await expectLists(model, real)
  }

  toString(): string {
    return `${this.#step.name}(${this.#position})`
  }
}

function explained(details: fc.RunDetails<[Iterable<fc.AsyncCommand<Model, Real>>]>): unknown {
  const { errorInstance, counterexample, counterexamplePath } = details
  if (!(errorInstance instanceof Violation)) return errorInstance
  const sequence = String(counterexample?.[0])
  const replayPath = /replayPath="([^"]*)"/.exec(sequence)?.[1]
  const steps = sequence.replace(/\s*\/\*.*\*\/\s*/, '')
  return new Violation(
    `after ${[...firstSteps.map(({ name }) => name), steps].join()}: ${errorInstance.message}`,
    {
      expected: errorInstance.expected,
      found: errorInstance.found,
      replay: { path: counterexamplePath ?? '', replayPath: replayPath ?? '' },
    },
  )
}
