// What went through endpoints, as their containers count it.
import { type Static, Type } from 'typebox'
import { EndpointRef } from './endpoint.ts'

const Counter = Type.Integer({ minimum: 0 })

/** The counters of one endpoint since its plug: `rx` is into the container, `tx` out of it. */
export const EndpointStats = Type.Object({
  ...EndpointRef.properties,
  rxBytes: Counter,
  txBytes: Counter,
  rxPackets: Counter,
  txPackets: Counter,
  rxErrors: Counter,
  txErrors: Counter,
  rxDropped: Counter,
  txDropped: Counter,
})
export type EndpointStats = Static<typeof EndpointStats>

/** Params of `endpoint/stats`. */
export const StatsParams = Type.Object({ endpoints: Type.Array(EndpointRef) })
export type StatsParams = Static<typeof StatsParams>

/** Result of `endpoint/stats`; endpoints that are not plugged, or not known, are left out. */
export const StatsResult = Type.Object({ stats: Type.Array(EndpointStats) })
export type StatsResult = Static<typeof StatsResult>
