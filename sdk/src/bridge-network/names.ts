// How a driver's links are recognised: by name and kind, and by the full ids in the alias. There is no other
// record of what exists. Every interface of conet begins with `cn`.
import type { Link } from '../linux/index.ts'
import type { EndpointRef } from '../protocol/index.ts'

/** An interface name has 15 bytes: three letters and as much of the id as fits. */
const idDigits = 12

/** How the names of a driver's links begin: three letters each, which no other driver has. */
export type LinkPrefixes = {
  readonly bridge: string
  /** The host's side of an endpoint's veth. */
  readonly port: string
  /** Through which goes what an endpoint sends, where that is limited. */
  readonly shaper: string
}

/** The name of a link that is made of an id; the prefix has three letters. */
export function linkName(prefix: string, id: string): string {
  return `${prefix}${id.slice(0, idDigits)}`
}

/** Whether a name can be one of `linkName`. */
export function isLinkName(prefix: string, name: string): boolean {
  return name.startsWith(prefix) && /^[0-9a-f]{12}$/.test(name.slice(prefix.length))
}

/** The alias of all links that are a network's. */
export function networkAlias(networkId: string): string {
  return `conet ${networkId}`
}

export function endpointAlias({ networkId, endpointId }: EndpointRef): string {
  return `conet ${networkId} ${endpointId}`
}

/** The network that an alias names, or undefined. */
export function networkOfAlias({ alias = '' }: Link): string | undefined {
  return /^conet ([0-9a-f]{64})$/.exec(alias)?.[1]
}

/** The endpoint that an alias names, or undefined. */
export function endpointOfAlias({ alias = '' }: Link): EndpointRef | undefined {
  const [, networkId, endpointId] = /^conet ([0-9a-f]{64}) ([0-9a-f]{64})$/.exec(alias) ?? []
  return networkId === undefined || endpointId === undefined ? undefined : { networkId, endpointId }
}

/** Whose an element of the firewall is, as a comment says it. */
export const endpointOwner = (endpointId: string) => `endpoint ${endpointId.slice(0, idDigits)}`
export const networkOwner = (networkId: string) => `network ${networkId.slice(0, idDigits)}`
/** Of what an endpoint may send other members, and of the network that keeps them apart. */
export const pairsOwner = (id: string) => `pairs ${id.slice(0, idDigits)}`

export class LinkNames {
  readonly #prefixes: LinkPrefixes

  constructor(prefixes: LinkPrefixes) {
    this.#prefixes = prefixes
  }

  bridge(networkId: string): string {
    return linkName(this.#prefixes.bridge, networkId)
  }

  port(endpointId: string): string {
    return linkName(this.#prefixes.port, endpointId)
  }

  shaper(endpointId: string): string {
    return linkName(this.#prefixes.shaper, endpointId)
  }

  /** The endpoint whose shaper this is, or undefined. */
  shapedEndpoint({ name, alias = '' }: Link): string | undefined {
    const [, endpointId] = /^conet [0-9a-f]{64} ([0-9a-f]{64})$/.exec(alias) ?? []
    return endpointId !== undefined && name === this.shaper(endpointId) ? endpointId : undefined
  }

  /** The network whose bridge this is, or undefined. */
  networkOf(link: Link): string | undefined {
    const networkId = networkOfAlias(link)
    if (networkId === undefined || link.kind !== 'bridge') return undefined
    return link.name === this.bridge(networkId) ? networkId : undefined
  }

  /** The endpoint whose port this is, or undefined. */
  endpointOf(link: Link): EndpointRef | undefined {
    const endpoint = endpointOfAlias(link)
    if (endpoint === undefined || link.kind !== 'veth') return undefined
    return link.name === this.port(endpoint.endpointId) ? endpoint : undefined
  }

  /**
   * Whether it is the bridge of this network, maybe one that lost its alias, or was given another: no bridge of
   * somebody else has this name and the MAC of the network's.
   */
  isBridgeOf(link: Link, { id, macAddress }: { id: string; macAddress: string }): boolean {
    if (link.kind !== 'bridge' || link.name !== this.bridge(id)) return false
    return link.alias === undefined || link.alias === networkAlias(id) || link.macAddress === macAddress
  }

  /** Whether it is the port of this endpoint, maybe one that lost its alias. */
  isPortOf(link: Link, endpoint: EndpointRef): boolean {
    if (link.kind !== 'veth' || link.name !== this.port(endpoint.endpointId)) return false
    return link.alias === undefined || link.alias === endpointAlias(endpoint)
  }

  /** Whether it can be a port of the driver's, whoever's endpoint it is. */
  isPort({ name, kind }: Link): boolean {
    return kind === 'veth' && isLinkName(this.#prefixes.port, name)
  }

  /**
   * Whether a death of the driver left it behind between making it and naming its owner. Links get their alias
   * before they are brought up, so one that is up has only lost it.
   */
  isHalfMade(link: Link): boolean {
    if (link.alias !== undefined || link.isUp) return false
    return this.isPort(link) || (link.kind === 'bridge' && isLinkName(this.#prefixes.bridge, link.name))
  }
}
