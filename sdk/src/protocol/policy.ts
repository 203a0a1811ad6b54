// The policy of one endpoint, changed while traffic flows.
import { type Static, Type } from 'typebox'
import { CreateEndpointParams, Sandbox } from './endpoint.ts'
import { Document } from './primitives.ts'

/** Params of `endpoint/policy`: the endpoint, complete, and the policy that is to be in force instead of the former. */
export const PolicyParams = Type.Object({
  ...CreateEndpointParams.properties,
  policy: Document,
  /** Present: the endpoint is plugged there. */
  sandbox: Type.Optional(Sandbox),
})
export type PolicyParams = Static<typeof PolicyParams>
