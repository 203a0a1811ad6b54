// The policy of one endpoint, changed while traffic flows, and a policy that is only looked at.
import { type Static, Type } from 'typebox'
import { CreateEndpointParams, Sandbox } from './endpoint.ts'

/**
 * Params of `endpoint/policy`: the endpoint, complete, with the `policy` and `portMappings` that are to be in force instead
 * of the former ones. Without `policy` none is to be in force.
 */
export const PolicyParams = Type.Object({
  ...CreateEndpointParams.properties,
  /** Present: the endpoint is plugged there. */
  sandbox: Type.Optional(Sandbox),
})
export type PolicyParams = Static<typeof PolicyParams>

/** Params of `policy/check`: what some endpoint may be given later. */
export const CheckPolicyParams = Type.Object({ policy: Type.Record(Type.String(), Type.Unknown()) })
export type CheckPolicyParams = Static<typeof CheckPolicyParams>
