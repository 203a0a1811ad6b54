// Random sequences of steps against a driver and the model; what fails is made as short as it can be.
import fc from 'fast-check'
import { Untestable, Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import { doStep, inLife } from './life.ts'
import type { Done, Model, Real } from './model.ts'
import { shortest } from './shortest.ts'
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
  let failing: readonly Done[] = []
  const property = fc.asyncProperty(commands, (sequence) =>
    runOne(kit, options, sequence, (done) => {
      failing = done
    }),
  )
  const allowedMs = kit.scaled(mostMs)
  const details = await fc.check(property, {
    seed: seed | 0,
    numRuns: options.sequences,
    // Each step of shrinking is a sequence of real calls.
    interruptAfterTimeLimit: allowedMs,
    markInterruptAsFailure: false,
    ...(path !== undefined && { path, endOnFailure: true }),
  })
  // Nothing was seen to be wrong, nor to be right.
  if (details.interrupted && details.numRuns === 0) throw new Untestable(tooSlow(allowedMs))
  if (details.failed) throw await explained(kit, options, { details, failing })
}

const mostMs = 25_000

function tooSlow(allowedMs: number): string {
  return `not one sequence of calls came to its end within ${allowedMs / 1_000} s; a larger --time-scale allows more`
}

async function runOne(
  kit: CheckContext,
  options: SequenceOptions,
  sequence: Iterable<fc.AsyncCommand<Model, Real>>,
  onFailure: (done: readonly Done[]) => void,
): Promise<void> {
  const done: Done[] = []
  try {
    await inLife(kit, { sandboxes: options.sandboxes, done }, async (model, real) => {
      for (const [position, step] of firstSteps.entries()) await doStep({ step, position }, model, real)
      await fc.asyncModelRun(() => ({ model, real }), sequence)
    })
  } catch (error) {
    onFailure(done)
    throw error
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
    await doStep({ step: this.#step, position: this.#position }, model, real)
  }

  toString(): string {
    return `${this.#step.name}(${this.#position})`
  }
}

type Failure = {
  readonly details: fc.RunDetails<[Iterable<fc.AsyncCommand<Model, Real>>]>
  readonly failing: readonly Done[]
}

async function explained(
  kit: CheckContext,
  { sandboxes }: SequenceOptions,
  { details, failing }: Failure,
): Promise<unknown> {
  const { errorInstance, counterexample, counterexamplePath } = details
  if (!(errorInstance instanceof Violation)) return errorInstance
  const replayPath = /replayPath="([^"]*)"/.exec(String(counterexample?.[0]))?.[1]
  const { steps, violation } = await shortest(kit, { sandboxes, steps: failing, violation: errorInstance })
  const { expected, found, message, atMs } = violation
  return new Violation(`after ${steps.map(nameOf).join(', ')}: ${message}`, {
    ...{ expected, found, atMs },
    replay: { path: counterexamplePath ?? '', replayPath: replayPath ?? '' },
  })
}

function nameOf({ step, position }: Done): string {
  return `${step.name}(${position})`
}
