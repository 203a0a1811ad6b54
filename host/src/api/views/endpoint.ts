// An endpoint as clients see it.
import type { PluggedInterface } from '@conet/sdk'
import type { EndpointView } from '@conet/sdk/api'
import type { EndpointRecord, InterfacePlan } from '../../domain/endpoint.ts'
import { placeAtUp } from '../../domain/interface-order.ts'
import type { InventoryReader } from '../api-context.ts'

type InterfaceView = EndpointView['interfaces'][number]

export function endpointView(endpoint: EndpointRecord, inventory: InventoryReader): EndpointView {
  const { id, networkId, handle, attachment, state, createdAt, diverged, result } = endpoint
  const lastError = endpoint.lastError ?? inventory.troubleOf?.(id)
  const published = inventory.isPublished?.(endpoint)
  return {
    id,
    network_id: networkId,
    // A network that still has endpoints is on record; the id stands in should that ever fail.
    network_name: inventory.networks.get(networkId)?.name ?? networkId,
    container: handle,
    attachment,
    state,
    interfaces: interfaceViews({ ...endpoint, interface: planNow(endpoint, inventory) }),
    ...(result?.dns === undefined ? {} : { dns: result.dns }),
    ...(published === undefined ? {} : { published }),
    created_at: createdAt,
    ...(diverged === undefined ? {} : { diverged: { since: diverged.since, reason: diverged.reason } }),
    ...(lastError === undefined ? {} : { last_error: lastError }),
  }
}

const { compare } = new Intl.Collator('en', { numeric: true })

/** Of one container: `eth2` before `eth10`. */
export function inOrderOfInterfaces(endpoints: readonly EndpointView[]): EndpointView[] {
  const nameOf = ({ interfaces: [first] }: EndpointView) => first?.name ?? ''
  return endpoints.toSorted((one, other) => compare(nameOf(one), nameOf(other)))
}

/** Before the container comes up it follows from what is configured and plugged now, and not when it was made. */
function planNow(
  { state, handle, attachment, interface: plan }: EndpointRecord,
  { containers, networks }: InventoryReader,
): InterfacePlan {
  const attachments = containers.get(handle)?.attachments ?? []
  const wish = attachments.find(({ name }) => name === attachment)
  if (state !== 'created' || wish === undefined) return plan
  return { ...plan, ...placeAtUp(wish, { attachments, networks }) }
}

/** What the driver made; before that, and for a driver that makes nothing, what the endpoint holds. */
function interfaceViews({ interface: plan, result, foundMtus = {} }: EndpointRecord): InterfaceView[] {
  if (result === undefined || result.interfaces.length === 0) return [interfaceView(plan, plan)]
  return result.interfaces.map((plugged) => {
    const mtu = plugged.mtu ?? foundMtus[plugged.name]
    return interfaceView(mtu === undefined ? plugged : { ...plugged, mtu }, plan)
  })
}

function interfaceView(made: InterfacePlan | PluggedInterface, plan: InterfacePlan): InterfaceView {
  return {
    name: made.name,
    mac_address: made.macAddress,
    addresses: made.addresses,
    ...(made.mtu === undefined ? {} : { mtu: made.mtu }),
    default_route: hasDefaultRoute(made, plan),
    routes: made.routes,
    ...('neighbours' in made && { neighbours: made.neighbours }),
    ...('sysctls' in made && { sysctls: made.sysctls }),
  }
}

/** What the driver says that it made: one may leave a route out that it was asked for. */
function hasDefaultRoute(made: InterfacePlan | PluggedInterface, plan: InterfacePlan): boolean {
  if (made === plan) return plan.defaultRoute
  return made.routes.some(({ destination }) => destination === '0.0.0.0/0' || destination === '::/0')
}
