// A difference between the record and what there is, as clients see it.
import type { DifferenceView } from '@conet/sdk/api'
import type { Difference, Mended } from '../../lifecycle/index.ts'

/** What is known of the repair before it is tried. */
export type Prospect = {
  /** It was tried, and failed. */
  readonly hasFailed: boolean
  /** Its driver cannot be asked. */
  readonly isAway: boolean
}

export function differenceView(difference: Difference, prospect?: Prospect): DifferenceView {
  const { object, id, problem, driver, networkId, container, reason } = difference
  return {
    kind: object,
    id,
    problem,
    ...(driver !== undefined && { driver }),
    ...(networkId !== undefined && { network_id: networkId }),
    ...(container !== undefined && { container }),
    ...(reason !== undefined && { reason }),
    repair: withProspect(repairOf(difference), prospect),
  }
}

export function mendedView(mended: Mended): DifferenceView {
  const view = differenceView(mended)
  const { error } = mended
  if (error === undefined) return { ...view, outcome: 'repaired' }
  return { ...view, outcome: 'failed', error: { kind: error.kind, message: error.message } }
}

function withProspect(repair: string, prospect: Prospect | undefined): string {
  if (prospect?.isAway) return `${repair}, once its driver is back`
  return prospect?.hasFailed ? `try again to ${repair}: that has failed before` : repair
}

function repairOf({ object, problem, container }: Difference): string {
  if (object === 'sandbox' && problem !== 'failing')
    return container === undefined ? 'let go of it' : 'take the container down'
  if (problem === 'removal-pending') return 'remove it'
  if (problem === 'unknown') return 'remove it from the driver'
  return problem === 'missing' ? 'make it anew' : 'make it as it should be'
}
