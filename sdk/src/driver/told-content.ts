// What counts for "the same" of a network and of an endpoint: labels, names and policies may change.

import { isSameJson } from '../jsonrpc/index.ts'
import type { CreateEndpointParams, Network } from '../protocol/index.ts'

export type NetworkContent = Pick<Network, 'internal' | 'subnets' | 'config' | 'segmentId'>

/** Addresses are compared apart from it, since the driver may have chosen them. */
export type EndpointContent = Pick<CreateEndpointParams, 'interface' | 'options'> & {
  readonly networkId: string
  readonly handle: string
}

export function contentOfNetwork({ internal, subnets, config, segmentId }: Network): NetworkContent {
  return { internal, subnets, config, ...(segmentId !== undefined && { segmentId }) }
}

export function contentOfEndpoint(params: CreateEndpointParams): EndpointContent {
  const { network, container, interface: wanted, options } = params
  return { networkId: network.id, handle: container.handle, interface: wanted, options }
}

/** The members that differ. */
export function endpointDifferences(told: EndpointContent, given: EndpointContent): string[] {
  // The usual case, and in a sync of thousands the very same objects.
  if (isSameJson(told, given)) return []
  return differencesOf(flat(told), flat(given))
}

export function networkDifferences(told: NetworkContent, given: NetworkContent): string[] {
  return differencesOf(told, given)
}

function flat({ interface: { addresses: _apart, ...wanted }, ...rest }: EndpointContent): object {
  return { ...wanted, ...rest }
}

function differencesOf(told: object, given: object): string[] {
  const before = new Map<string, unknown>(Object.entries(told))
  const now = new Map<string, unknown>(Object.entries(given))
  const members = new Set([...before.keys(), ...now.keys()])
  return [...members].filter((member) => !isSameJson(before.get(member), now.get(member)))
}
