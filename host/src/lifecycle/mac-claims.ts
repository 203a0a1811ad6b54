// MACs that clients ask for in networks of the cluster: this host claims them for itself alone, after it has reserved them
// here. Those that follow from an address need no claim, and nobody may ask for one of another endpoint's address.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { ipv4OfMac, macFromEndpointId } from '../ipam/index.ts'
import { clusterNetwork, clusterOf } from './block-room.ts'
import type { HostContext, Operation } from './host-context.ts'

/** Whether the endpoint's MAC is one that somebody asked for and no address of its own stands for. */
export function isMacToClaim(
  { scope }: NetworkRecord,
  { macAddress }: Attachment,
  { interface: { addresses } }: EndpointRecord,
): boolean {
  if (scope !== 'global' || macAddress === undefined) return false
  const address = ipv4OfMac(macAddress)
  return address === undefined || !addresses.some((own) => own.startsWith(`${address}/`))
}

/** Whether the MAC of an endpoint on record may be a claim: it does not follow from the endpoint. */
export function mayBeClaimed({ id, interface: { addresses, macAddress } }: EndpointRecord): boolean {
  const address = ipv4OfMac(macAddress)
  if (address !== undefined) return !addresses.some((own) => own.startsWith(`${address}/`))
  return macAddress !== macFromEndpointId(id)
}

/**
 * No other host has the MAC when this resolves. Throws `addressInUse` with the host that has it, or with the address that
 * it belongs to, and `clusterUnavailable`. May be repeated.
 */
export async function claimMac(
  host: HostContext,
  network: NetworkRecord,
  macAddress: string,
  operation: Operation,
): Promise<void> {
  const address = ipv4OfMac(macAddress)
  if (address !== undefined && host.addresses.inBlocks(network.id)?.has(address))
    throw ofAddress(macAddress, address)
  await clusterOf(host, network).networks.claimMac(clusterNetwork(network), macAddress, operation)
}

/** After an endpoint with such a MAC has ended, and when the store is back: others may have what nobody has here. */
export function tidyMacs(host: HostContext, network: NetworkRecord): void {
  if (network.scope !== 'global' || host.cluster === undefined) return
  const isHeld = (mac: string) => host.addresses.holdsMac(network.id, mac)
  host.cluster.networks.tidyMacs(clusterNetwork(network), isHeld).catch((err) => {
    // The next endpoint that ends, or the next registration of this host, does it.
    host.log.debug({ networkId: network.id, err }, 'a claim of a MAC is not given back yet')
  })
}

function ofAddress(mac: string, address: string): ConetError {
  const message = `it is that of the endpoint with address ${address}`
  return new ConetError('addressInUse', `reserve MAC ${mac}: ${message}`, {
    details: { mac, address },
    fields: [{ path: 'mac_address', message }],
    help: `ask for address ${address} as well, or for another MAC`,
  })
}
