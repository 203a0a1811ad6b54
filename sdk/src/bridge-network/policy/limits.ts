// The limits of a document, one for each direction.
import type { Limits, Rate } from './document.ts'

export type TrafficLimits = {
  /** What comes into the container. */
  readonly ingress: Rate | undefined
  /** What the container sends. */
  readonly egress: Rate | undefined
}

export const unlimited: TrafficLimits = { ingress: undefined, egress: undefined }

export function limitsOf(limits: Limits | undefined): TrafficLimits {
  if (limits === undefined) return unlimited
  if ('rate' in limits) return { ingress: limits, egress: limits }
  return { ingress: limits.ingress, egress: limits.egress }
}
