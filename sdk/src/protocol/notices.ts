// What a driver tells the host unasked. A driver never needs an answer from the host to answer the host.
import { type Static, Type } from 'typebox'
import { forms } from '../fields/forms.ts'
import { Document, Id } from './primitives.ts'

/** Something happened that users of the host may want to see. May get lost. */
export const DriverEvent = Type.Object({
  /** `kebab-case`, the driver's own vocabulary: `link-down`. */
  type: Type.String({ pattern: forms.eventType.pattern }),
  networkId: Type.Optional(Id),
  endpointId: Type.Optional(Id),
  message: Type.String({ maxLength: 4096 }),
})
export type DriverEvent = Static<typeof DriverEvent>

/** A line for the host's log. May get lost; the driver's own stderr has it too. */
export const DriverLog = Type.Object({
  level: Type.Union([
    Type.Literal('debug'),
    Type.Literal('info'),
    Type.Literal('warn'),
    Type.Literal('error'),
  ]),
  message: Type.String({ maxLength: 16384 }),
  fields: Type.Optional(Document),
})
export type DriverLog = Static<typeof DriverLog>

/** Whether the driver can work now, and if not why, for people. A driver is ready until it says otherwise. */
export const Readiness = Type.Object({
  ready: Type.Boolean(),
  reason: Type.Optional(Type.String({ maxLength: 4096 })),
})
export type Readiness = Static<typeof Readiness>

/** A long call is getting on: each of these gives it the time of a call anew, up to `timeouts.mostCallMs`. */
export const Progress = Type.Object({
  /** `_meta.progressToken` of the call. */
  token: Type.String({ minLength: 1, maxLength: 128 }),
  message: Type.String({ maxLength: 4096 }),
  /** Never falls within one call. */
  percentage: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
})
export type Progress = Static<typeof Progress>
