// The record compared with what there is, in the host's HTTP API.
import { type Static, Type } from 'typebox'

/** One thing that is not as the record says. */
export const DifferenceView = Type.Object({
  kind: Type.Union([Type.Literal('network'), Type.Literal('endpoint'), Type.Literal('sandbox')]),
  id: Type.String(),
  /**
   * `missing`: on record and not there. `unknown`: there and on no record. `failing`: there, and not as it should be.
   * `removal-pending`: on its way out, not confirmed yet.
   */
  problem: Type.Union([
    Type.Literal('missing'),
    Type.Literal('unknown'),
    Type.Literal('failing'),
    Type.Literal('removal-pending'),
  ]),
  driver: Type.Optional(Type.String()),
  network_id: Type.Optional(Type.String()),
  container: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  /** What conet does about it. */
  repair: Type.String(),
  /** Of a real run: what became of it. */
  outcome: Type.Optional(Type.Union([Type.Literal('repaired'), Type.Literal('failed')])),
  error: Type.Optional(Type.Object({ kind: Type.String(), message: Type.String() })),
})
export type DifferenceView = Static<typeof DifferenceView>

/** Reply of `previewReconciliation`, which changes nothing, and of `reconcile`. */
export const ReconciliationView = Type.Object({
  dry_run: Type.Boolean(),
  differences: Type.Array(DifferenceView),
  /** Drivers with networks that could not be asked: their part is compared when they are back. */
  drivers_away: Type.Array(Type.Object({ driver: Type.String(), state: Type.String() })),
})
export type ReconciliationView = Static<typeof ReconciliationView>
