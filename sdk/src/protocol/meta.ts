// What accompanies every request from the host, beside its own parameters.
import { type Static, Type } from 'typebox'

/** Stands as `_meta` beside the params of every request but `initialize`. */
export const CallMeta = Type.Object({
  /** Names the logical operation: the same over all attempts, and over restarts of either side. */
  operationId: Type.String({ minLength: 1, maxLength: 128 }),
  /** 1 at first, one more with each attempt at the same operation. */
  attempt: Type.Integer({ minimum: 1 }),
  /** Milliseconds left for the answer when the request was sent; relative, so clocks do not matter. */
  timeoutMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
  /** W3C trace context of the caller, if it has one. */
  traceparent: Type.Optional(Type.String({ maxLength: 128 })),
  /** What other tracers added to it. */
  tracestate: Type.Optional(Type.String({ maxLength: 512 })),
  /** Present: the driver may send `$/progress` with it, until it has answered. */
  progressToken: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
})
export type CallMeta = Static<typeof CallMeta>
