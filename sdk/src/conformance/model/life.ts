// One sequence of steps from nothing to nothing: what a driver is asked for in it is taken away after it.
import type { CheckContext } from '../context/check-context.ts'
import { expectLists } from './invariants.ts'
import type { Done, Model, Real } from './model.ts'

export type LifeOptions = {
  /** How many namespaces there are to plug into. */
  readonly sandboxes: number
  /** Where the steps are noted. */
  readonly done: Done[]
}

export async function inLife(
  kit: CheckContext,
  { sandboxes: count, done }: LifeOptions,
  act: (model: Model, real: Real) => Promise<void>,
): Promise<void> {
  const model: Model = { networks: new Map(), endpoints: new Map() }
  const sandboxes = Array.from({ length: count }, () => kit.sandbox())
  const real: Real = { kit, host: await kit.connect(), sandboxes, ids: new Set(), done }
  try {
    await act(model, real)
  } finally {
    real.host.close()
    await kit.takeAway()
    for (const sandbox of sandboxes) kit.deleteSandbox(sandbox)
  }
}

/** Notes it, does it, and holds the driver's lists against the model. */
export async function doStep(one: Done, model: Model, real: Real): Promise<void> {
  real.done.push(one)
  await one.step.run(model, real, one.position)
  await expectLists(model, real)
}
