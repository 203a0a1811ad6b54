// An attachment as people know it: for messages that say which one has what another wants.
import type { Claimant } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { HostContext } from './host-context.ts'

/** `attachment web (network web, interface eth0)`; the interface where it has one by now. */
export function attachmentInWords(
  { inventory }: Pick<HostContext, 'inventory'>,
  handle: string,
  { name = '', networkId = '' }: Claimant,
): string {
  const network = inventory.networks.get(networkId)
  const endpoint = inventory
    .endpointsOfContainer(handle)
    .find(({ attachment, state }) => attachment === name && state === 'plugged')
  const details = [
    ...(network === undefined ? [] : [`network ${network.name}`]),
    ...(endpoint === undefined ? [] : [`interface ${endpoint.interface.name}`]),
  ]
  return `attachment ${name}${details.length === 0 ? '' : ` (${details.join(', ')})`}`
}

export function endpointInWords(
  host: Pick<HostContext, 'inventory'>,
  { handle, attachment: name, networkId }: EndpointRecord,
): string {
  return attachmentInWords(host, handle, { name, networkId })
}
