// What a container is in each of its networks, by the names of its attachments.
import type { ContainerView, NetworkInfoView } from '@conet/sdk/api'
import { type Attachment, type ContainerRecord, primaryOf } from '../../domain/container.ts'
import type { EndpointRecord } from '../../domain/endpoint.ts'
import { ownNetworkName } from '../../domain/ids.ts'
import type { NetworkRecord } from '../../domain/network.ts'
import { withoutPrefix } from '../../ipam/index.ts'
import type { ApiContext, InventoryReader } from '../api-context.ts'
import { endpointView } from './endpoint.ts'
import { mappedPortViews } from './mapped-ports.ts'

export type ContainerReads = Pick<ApiContext, 'inventory' | 'externalAddress'>

export function networkInfoViews(
  container: ContainerRecord,
  endpoints: ReadonlyMap<string, EndpointRecord>,
  reads: ContainerReads,
): ContainerView['networks'] {
  const { attachments, handle } = container
  const primary = primaryOf(attachments)
  return Object.fromEntries(
    attachments.map((attachment) => {
      const endpoint = endpoints.get(attachment.name)
      const view = networkInfoView({ handle, attachment, endpoint }, reads)
      return [attachment.name, { ...view, primary: attachment === primary }]
    }),
  )
}

function networkInfoView(
  {
    handle,
    attachment,
    endpoint,
  }: { handle: string; attachment: Attachment; endpoint: EndpointRecord | undefined },
  { inventory, externalAddress }: ContainerReads,
): Omit<NetworkInfoView, 'primary'> {
  const { networkId, own } = attachment
  const network = inventory.networks.get(networkId)
  const type = network?.type ?? own?.type
  const external = externalAddress.current
  return {
    network_id: networkId,
    network_name: networkNameOf(handle, attachment, inventory),
    ...(type !== undefined && { type }),
    state: endpoint?.state ?? 'none',
    ...gatewaysOf(network),
    ...(external !== undefined && { external_ip: external }),
    ...(endpoint === undefined ? nowhere : placeOf(endpoint, inventory)),
  }
}

const nowhere = { addresses: [], default_route: false, mapped_ports: [] }

function gatewaysOf(network: NetworkRecord | undefined): Pick<NetworkInfoView, 'host_ip' | 'host_ipv6'> {
  const gatewayOf = (family: 4 | 6) =>
    network?.subnets.find((subnet) => subnet.family === family && subnet.gateway !== undefined)?.gateway
  const [ipv4, ipv6] = [gatewayOf(4), gatewayOf(6)]
  return { ...(ipv4 !== undefined && { host_ip: ipv4 }), ...(ipv6 !== undefined && { host_ipv6: ipv6 }) }
}

/** Of several interfaces, the one that was asked for speaks for the endpoint. */
function placeOf(endpoint: EndpointRecord, inventory: ContainerReads['inventory']) {
  const { id, interfaces, dns, last_error: lastError } = endpointView(endpoint, inventory)
  const shown = interfaces.find(({ name }) => name === endpoint.interface.name) ?? interfaces[0]
  const addresses = interfaces.flatMap((one) => one.addresses)
  const [ipv4, ipv6] = [false, true].map((isV6) => addresses.find((text) => text.includes(':') === isV6))
  return {
    endpoint_id: id,
    ...(shown && { interface: shown.name, mac_address: shown.mac_address }),
    ...(shown?.mtu !== undefined && { mtu: shown.mtu }),
    ...(ipv4 !== undefined && { container_ip: withoutPrefix(ipv4) }),
    ...(ipv6 !== undefined && { container_ipv6: withoutPrefix(ipv6) }),
    addresses,
    default_route: interfaces.some((one) => one.default_route),
    mapped_ports: mappedPortViews(endpoint),
    ...(dns && { dns }),
    ...(lastError !== undefined && { last_error: lastError }),
  }
}

/** Also of one that is not there yet. */
export function networkNameOf(
  handle: string,
  { name, networkId, own }: Attachment,
  { networks }: InventoryReader,
): string {
  return networks.get(networkId)?.name ?? (own === undefined ? networkId : ownNetworkName(handle, name))
}
