// Policies of several endpoints change together: all of them, or none. What cannot be put back is on record as diverged,
// shown, and told to its driver again until that has confirmed.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { CallOptions } from './driver-access.ts'
import { callFor, callToItsEnd } from './driver-call.ts'
import { policyParameters } from './driver-parameters.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import type { Change } from './inventory.ts'
import { keepPortsOf, portCursor } from './policy-ports.ts'
import { inRequest, PolicyRefusal } from './policy-refusal.ts'
import { type InForce, inForce, type PreparedStep } from './prepare-policies.ts'
import { contentOf } from './retold.ts'

/**
 * Puts the policies in force, one after the other, and writes them down with what `also` adds. Throws what the first
 * failure was, when all are as before or on record as diverged. Call it inside the queue of the container.
 */
export async function applyPolicies(
  host: HostContext,
  steps: readonly PreparedStep[],
  { operation, also }: { operation: Operation; also?: (change: Change) => void },
): Promise<void> {
  const told: PreparedStep[] = []
  let current: PreparedStep | undefined
  try {
    for (const step of steps) {
      current = step
      failpoint('host:policy:before-apply')
      await tell(host, step, step.next, callFor(operation)).catch((error: unknown) => {
        if (mayHaveChanged(error)) told.push(step)
        throw error
      })
      told.push(step)
      failpoint('host:policy:applied')
    }
    record(host, steps, also)
  } catch (error) {
    const diverged = await undo(host, told.reverse(), error)
    for (const step of steps) if (!isOneOf(diverged, step)) keepPortsOf(host, step.endpoint)
    throw policyFailure(error, current, diverged)
  }
  failpoint('host:policy:after-outcome')
  tellAgain(host, steps)
}

/** A driver that left the first of them unanswered would leave its client waiting for as long again: it is told later. */
async function undo(
  host: HostContext,
  [last, ...others]: readonly PreparedStep[],
  error: unknown,
): Promise<PreparedStep[]> {
  if (last === undefined) return []
  if (!ConetError.is(error, 'deadlineExceeded')) return putBack(host, [last, ...others])
  diverge(host, last, error)
  const untouched = others.filter((step) => !isOneOf([last], step))
  return [last, ...(await putBack(host, untouched))]
}

/** The former policies are in force again; those that are not are on record as diverged, and returned. */
export async function putBack(host: HostContext, steps: readonly PreparedStep[]): Promise<PreparedStep[]> {
  const diverged: PreparedStep[] = []
  for (const step of steps) {
    if (isOneOf(diverged, step)) continue
    try {
      await tell(host, step, step.former, callToItsEnd({ id: `undo-${step.endpoint.id}` }))
      failpoint('host:policy:put-back')
      putRecord(host, step, step.endpoint)
      keepPortsOf(host, step.endpoint)
    } catch (error) {
      diverged.push(step)
      diverge(host, step, error)
    }
  }
  return diverged
}

function tell(
  host: HostContext,
  { endpoint, network, session }: PreparedStep,
  wanted: InForce,
  call: CallOptions,
): Promise<unknown> {
  const current = host.inventory.endpoints.get(endpoint.id) ?? endpoint
  return session.call('endpoint/policy', policyParameters(host, withPolicy(current, wanted), network), call)
}

function isOneOf(steps: readonly PreparedStep[], { endpoint }: PreparedStep): boolean {
  return steps.some((step) => step.endpoint.id === endpoint.id)
}

function record(host: HostContext, told: readonly PreparedStep[], also?: (change: Change) => void): void {
  failpoint('host:policy:before-outcome')
  const steps = told.filter(({ isRelease }) => !isRelease)
  const changed = steps.filter(({ endpoint, next }) => !isDeepStrictEqual(inForceOf(endpoint), next))
  host.inventory.commit((change) => {
    for (const { endpoint, next } of steps) {
      const current = host.inventory.endpoints.get(endpoint.id) ?? endpoint
      change.putEndpoint(withPolicy(withoutDivergence(current), next))
    }
    change.putCursor(portCursor, String(host.ports.cursor))
    also?.(change)
  })
  for (const { endpoint, next } of steps) {
    host.ports.keepOnly(endpoint.id, next.portMappings ?? [])
    if (endpoint.diverged !== undefined) host.repairs.done(endpoint.id)
  }
  for (const { endpoint } of changed) announce(host, 'policy.changed', endpoint)
}

/** A driver that was told of the former ones meanwhile has them: the record says better now. */
function tellAgain(host: HostContext, steps: readonly PreparedStep[]): void {
  const stale = steps.filter(({ network, round }) => host.syncRounds.of(network.type) !== round)
  if (stale.length === 0) return
  const ids = new Set(stale.map(({ endpoint }) => endpoint.id))
  for (const id of ids) host.repairs.add({ kind: 'endpoint', id })
  void host.repairs.retryNow(({ id }) => ids.has(id))
}

function diverge(host: HostContext, { endpoint, next }: PreparedStep, error: unknown): void {
  const current = host.inventory.endpoints.get(endpoint.id) ?? endpoint
  const reason = error instanceof Error ? error.message : String(error)
  const portMappings = [...(endpoint.diverged?.portMappings ?? []), ...(next.portMappings ?? [])]
  const diverged = { since: new Date().toISOString(), reason, portMappings }
  // First, since the store may be full.
  host.repairs.add({ kind: 'endpoint', id: endpoint.id })
  const lastError = `its policy may not be in force: ${reason}`
  host.inventory.commit(
    (change) => change.putEndpoint({ ...withPolicy(current, inForceOf(endpoint)), diverged, lastError }),
    'removal',
  )
  host.ports.keepOnly(endpoint.id, [...(endpoint.portMappings ?? []), ...portMappings])
  host.log.error({ endpointId: endpoint.id, err: error }, 'a policy could not be put back: it is tried again')
  announce(host, 'policy.diverged', endpoint, reason)
}

/** Where it says something else; what else is on record stays. */
function putRecord(host: HostContext, { endpoint }: PreparedStep, wanted: InForce): void {
  const current = host.inventory.endpoints.get(endpoint.id)
  if (current === undefined || isDeepStrictEqual(inForceOf(current), inForceOf(wanted))) return
  host.inventory.commit((change) => change.putEndpoint(withPolicy(current, wanted)), 'removal')
}

/** The record with another policy, in its next revision. */
export function withPolicy(
  { policy: _policy, portMappings: _ports, policyRevision = 0, ...endpoint }: EndpointRecord,
  { policy, portMappings }: InForce,
): EndpointRecord {
  return { ...endpoint, ...inForce(policy, portMappings), policyRevision: policyRevision + 1 }
}

/** The record of an endpoint whose driver has confirmed the policy. */
export function withoutDivergence(endpoint: EndpointRecord): EndpointRecord {
  if (endpoint.diverged === undefined) return endpoint
  const { diverged: _confirmed, lastError: _mended, ...rest } = endpoint
  return rest
}

function inForceOf({ policy, portMappings }: InForce): InForce {
  return inForce(policy, portMappings)
}

function mayHaveChanged(error: unknown): boolean {
  return !ConetError.is(error) || error.operationState !== 'not-started'
}

function announce(
  host: HostContext,
  type: 'policy.changed' | 'policy.diverged',
  { id, networkId, handle }: EndpointRecord,
  message?: string,
): void {
  const about = { network_id: networkId, endpoint_id: id, container: handle }
  host.events.append({ type, ...about, ...(message !== undefined && { message }) })
}

/** The driver speaks of `policy`; the client said it elsewhere. */
function policyFailure(
  error: unknown,
  step: PreparedStep | undefined,
  diverged: readonly PreparedStep[],
): unknown {
  if (!ConetError.is(error) || step === undefined) return error
  const { kind, message: words, fields, details } = error
  const { at } = step
  const attachments = diverged.map(({ endpoint }) => endpoint.attachment)
  return new PolicyRefusal(
    kind,
    { at, words },
    {
      ...contentOf(error),
      fields: fields.map((field) => ({ ...field, path: inRequest(field.path, at) })),
      details: { ...details, ...(attachments.length > 0 && { diverged: attachments }) },
      operationState: diverged.length > 0 ? 'partial' : 'not-started',
    },
  )
}
