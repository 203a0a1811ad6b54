// Everything about a new endpoint is checked and reserved, then written down, before its driver hears of it.

import { isDeepStrictEqual } from 'node:util'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { assertUsable, type NetworkRecord } from '../domain/network.ts'
import { policyFor } from '../domain/policy.ts'
import { claimAhead } from './block-room.ts'
import type { DriverSession } from './driver-access.ts'
import { type WantedPolicy, wantedPolicy, withWantedPolicy } from './endpoint-policy.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { claimMac, isMacToClaim, tidyMacs } from './mac-claims.ts'
import { releaseIfUnused } from './network-at-driver.ts'
import { type EndpointWish, networkOf, type PlannedEndpoint, planWithRoom } from './plan-endpoint.ts'
import { portCursor } from './policy-ports.ts'

/** An endpoint on record, which the driver does not know yet. */
export type IntendedEndpoint = { endpoint: EndpointRecord; network: NetworkRecord; session: DriverSession }

/** Everything is checked and reserved, then written down. When a check fails nothing has changed. */
export async function intendEndpoint(
  host: HostContext,
  wish: EndpointWish,
  operation: Operation,
): Promise<IntendedEndpoint> {
  const { attachment, container } = wish
  const what = `plug container ${container.handle}`
  const network = networkOf(host, attachment, what)
  const session = await host.drivers.require(network.type, operation)
  await session.documents.check('attachment', attachment.options, 'options')
  const wanted = await wantedPolicy(host, { container, attachment, network, session })
  const planned = await planWithRoom(host, wish, operation)
  await claimPlannedMac(host, { wish, network, planned }, operation)
  const endpoint = writeIntent(host, wish, { ...planned, wanted })
  // The network's default policy has changed meanwhile.
  if (endpoint === undefined) return intendEndpoint(host, wish, operation)
  claimAhead(host, network)
  failpoint('host:endpoint:after-intent')
  return { endpoint, network, session }
}

async function claimPlannedMac(
  host: HostContext,
  { wish, network, planned }: { wish: EndpointWish; network: NetworkRecord; planned: PlannedEndpoint },
  operation: Operation,
): Promise<void> {
  const { attachment, container } = wish
  const { endpoint } = planned
  if (!isMacToClaim(network, attachment, endpoint)) return
  const what = `plug container ${container.handle}`
  try {
    await claimMac(host, network, endpoint.interface.macAddress, operation)
    assertUsable(networkOf(host, attachment, what), what)
  } catch (error) {
    giveUpPlan(host, planned)
    throw error
  }
}

/** Undefined, and nothing done, if another policy stands for it now. */
function writeIntent(
  host: HostContext,
  { attachment, container, madeBy }: EndpointWish,
  { endpoint: plan, reservation, wanted }: PlannedEndpoint & { wanted: WantedPolicy },
): EndpointRecord | undefined {
  try {
    const network = host.inventory.networks.get(plan.networkId)
    const isStale = !isDeepStrictEqual(policyFor(container, attachment.name, network), wanted.source)
    if (isStale) return giveUpPlan(host, { endpoint: plan, reservation })
    const endpoint = withWantedPolicy(host, plan, wanted)
    failpoint('host:endpoint:before-intent')
    host.inventory.commit((change) => {
      change.putEndpoint(endpoint)
      if (madeBy === 'plug') change.putContainer(container)
      for (const { subnetKey, cursor } of reservation.cursors) change.putCursor(subnetKey, cursor)
      if (endpoint.portMappings !== undefined) change.putCursor(portCursor, String(host.ports.cursor))
    })
    return endpoint
  } catch (error) {
    giveUpPlan(host, { endpoint: plan, reservation })
    throw error
  }
}

function giveUpPlan(host: HostContext, { endpoint, reservation }: PlannedEndpoint): undefined {
  reservation.release()
  host.ports.release(endpoint.id)
  const network = host.inventory.networks.get(endpoint.networkId)
  if (network !== undefined) tidyMacs(host, network)
  releaseIfUnused(host, endpoint.networkId)
}
