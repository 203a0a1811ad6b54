// How the driver's links are recognised: by name and kind, and by the full ids in the alias. There is no other
// record of what exists. Every interface of conet begins with `cn`.
import type { EndpointRef } from '@conet/sdk'
import type { Link } from '@conet/sdk/linux'

/** An interface name has 15 bytes: three letters and as much of the id as fits. */
const idDigits = 12

export function bridgeName(networkId: string): string {
  return `cnb${networkId.slice(0, idDigits)}`
}

/** The host's side of an endpoint's veth. */
export function portName(endpointId: string): string {
  return `cnv${endpointId.slice(0, idDigits)}`
}

export function networkAlias(networkId: string): string {
  return `conet ${networkId}`
}

export function endpointAlias({ networkId, endpointId }: EndpointRef): string {
  return `conet ${networkId} ${endpointId}`
}

/** The network whose bridge this is, or undefined. */
export function networkOf(link: Link): string | undefined {
  const networkId = /^conet ([0-9a-f]{64})$/.exec(link.alias ?? '')?.[1]
  if (networkId === undefined || link.kind !== 'bridge') return undefined
  return link.name === bridgeName(networkId) ? networkId : undefined
}

/** The endpoint whose port this is, or undefined. */
export function endpointOf(link: Link): EndpointRef | undefined {
  const [, networkId, endpointId] = /^conet ([0-9a-f]{64}) ([0-9a-f]{64})$/.exec(link.alias ?? '') ?? []
  if (networkId === undefined || endpointId === undefined || link.kind !== 'veth') return undefined
  return link.name === portName(endpointId) ? { networkId, endpointId } : undefined
}

/** Whether it is the bridge of this network, maybe one that lost its alias. */
export function isBridgeOf(link: Link, networkId: string): boolean {
  if (link.kind !== 'bridge' || link.name !== bridgeName(networkId)) return false
  return link.alias === undefined || link.alias === networkAlias(networkId)
}

/** Whether it is the port of this endpoint, maybe one that lost its alias. */
export function isPortOf(link: Link, endpoint: EndpointRef): boolean {
  if (link.kind !== 'veth' || link.name !== portName(endpoint.endpointId)) return false
  return link.alias === undefined || link.alias === endpointAlias(endpoint)
}

/** Whether it can be a port of the driver's, whoever's endpoint it is. */
export function isPort({ name, kind }: Link): boolean {
  return kind === 'veth' && /^cnv[0-9a-f]{12}$/.test(name)
}

/**
 * Whether a death of the driver left it behind between making it and naming its owner. Links get their alias
 * before they are brought up, so one that is up has only lost it.
 */
export function isHalfMade(link: Link): boolean {
  if (link.alias !== undefined || link.isUp) return false
  return isPort(link) || (link.kind === 'bridge' && /^cnb[0-9a-f]{12}$/.test(link.name))
}
