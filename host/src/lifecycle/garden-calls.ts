// Garden's NetIn and NetOut: more entries in the policy of the container's primary network.
import { ConetError } from '@conet/sdk'
import type { GardenMappedPort, GardenNetIn, GardenNetOutRule } from '@conet/sdk/api'
import { primaryOf } from '../domain/container.ts'
import { netOutRule, portRequest, withEntries } from '../domain/garden-policy.ts'
import { requireContainer } from './containers.ts'
import { isUp } from './down.ts'
import type { HostContext, Operation } from './host-context.ts'
import { changePolicy } from './set-policy.ts'

/** Maps one more TCP port. Not to be repeated: each call maps another one. */
export async function netIn(
  host: HostContext,
  handle: string,
  wish: GardenNetIn,
  operation: Operation,
): Promise<GardenMappedPort> {
  const place = placeOf(host, handle, 'net in')
  const entry = portRequest(wish)
  const { portMappings } = await changePolicy(
    host,
    place,
    (policy = {}) => withEntries(policy, 'net_in', [entry]),
    operation,
  )
  // In the order of the policy's entries, of which this one is the last.
  const mapped = portMappings.at(-1)
  if (mapped === undefined)
    throw new ConetError('failedPrecondition', `net in ${handle}: it went down meanwhile`)
  return { host_port: mapped.hostPort, container_port: mapped.containerPort }
}

/** All rules, or none. */
export async function netOut(
  host: HostContext,
  handle: string,
  rules: readonly GardenNetOutRule[],
  operation: Operation,
): Promise<void> {
  const place = placeOf(host, handle, 'net out')
  if (rules.length === 0) return
  const entries = rules.map(netOutRule)
  await changePolicy(host, place, (policy = {}) => withEntries(policy, 'net_out', entries), operation)
}

function placeOf(host: HostContext, handle: string, what: string): { handle: string; attachment: string } {
  const primary = primaryOf(requireContainer(host, handle).attachments)
  if (isUp(host, handle) && primary !== undefined) return { handle, attachment: primary.name }
  const why = primary === undefined ? 'the container has no network' : 'the container is not up'
  throw new ConetError('failedPrecondition', `${what} ${handle}: ${why}`)
}
