// A sequence that fails, without the steps that do not matter: those of its beginning too, which fast-check leaves alone.
import { withoutParticulars } from '../checks/alike.ts'
import { Violation } from '../checks/verdicts.ts'
import type { CheckContext } from '../context/check-context.ts'
import { doStep, inLife } from './life.ts'
import type { Done } from './model.ts'

export type ShortestOptions = {
  readonly sandboxes: number
  readonly steps: readonly Done[]
  readonly violation: Violation
}

/** Each try is a sequence of real calls. */
const mostMs = 10_000

/** Each step is left out in turn, the last but one first; what then fails no more in the same words stays. */
export async function shortest(
  kit: CheckContext,
  { sandboxes, steps, violation }: ShortestOptions,
): Promise<{ readonly steps: readonly Done[]; readonly violation: Violation }> {
  const untilMs = performance.now() + kit.scaled(mostMs)
  let kept = { steps, violation }
  for (let at = steps.length - 2; at >= 0 && performance.now() < untilMs; at -= 1) {
    const candidate = kept.steps.filter((_step, index) => index !== at)
    const failure = await failureOf(kit, { sandboxes, steps: candidate })
    if (isSame(violation, failure)) kept = { steps: candidate, violation: failure }
  }
  return kept
}

async function failureOf(
  kit: CheckContext,
  { sandboxes, steps }: Omit<ShortestOptions, 'violation'>,
): Promise<unknown> {
  try {
    await inLife(kit, { sandboxes, done: [] }, async (model, real) => {
      for (const one of steps) if (one.step.isPossible(model)) await doStep(one, model, real)
    })
    return undefined
  } catch (error) {
    return error
  }
}

function isSame({ message }: Violation, other: unknown): other is Violation {
  return other instanceof Violation && withoutParticulars(other.message) === withoutParticulars(message)
}
