// What the driver has, and what counts for "the same" (docs/protocol.md, Repetition). It knows no messages.
import {
  ConetError,
  type CreateEndpointParams,
  type DesiredEndpoint,
  type EndpointRef,
  type Network,
  type Peer,
} from '@conet/sdk'
import { SharedMap } from './shared-map.ts'
import { isJsonObject } from './wire.ts'

export type EndpointRecord = {
  readonly networkId: string
  /** What this instance was told; undefined: nothing yet. */
  readonly content: string | undefined
  /** From the driver's own IPAM. */
  readonly addresses?: string[]
  /** The path of the sandbox that it is plugged into. */
  readonly sandbox?: string
}

export type Directory = { readonly version: string; readonly members: ReadonlyMap<string, Peer> }

export class Records {
  /** Id to content. */
  readonly networks: Map<string, string>
  readonly endpoints: Map<string, EndpointRecord>
  /** The directory of each network, as far as it was told. */
  readonly peers = new Map<string, Directory>()

  constructor(networks: Map<string, string> = new Map(), endpoints: Map<string, EndpointRecord> = new Map()) {
    this.networks = networks
    this.endpoints = endpoints
  }

  /** In files whose names begin so. */
  static keptAt(path: string): Records {
    const networks = new SharedMap(`${path}-networks`, String)
    const endpoints = new SharedMap(`${path}-endpoints`, endpointRecordOf)
    return new Records(networks, endpoints)
  }

  hasEndpointsIn(networkId: string): boolean {
    return [...this.endpoints.values()].some((endpoint) => endpoint.networkId === networkId)
  }

  refs(): EndpointRef[] {
    return [...this.endpoints].map(([endpointId, { networkId }]) => ({ networkId, endpointId }))
  }

  unplug(endpointId: string): void {
    const endpoint = this.endpoints.get(endpointId)
    if (endpoint === undefined) return
    const { sandbox: _left, ...rest } = endpoint
    this.endpoints.set(endpointId, rest)
  }
}

/** Of what a driver of the zoo has written. */
function endpointRecordOf(value: unknown): EndpointRecord {
  if (!isJsonObject(value)) throw new Error('a record of an endpoint is no object')
  const { networkId, content, addresses, sandbox } = value
  return {
    networkId: String(networkId),
    content: content === undefined ? undefined : String(content),
    ...(Array.isArray(addresses) && { addresses: addresses.map(String) }),
    ...(typeof sandbox === 'string' && { sandbox }),
  }
}

export function contentOfNetwork({ internal, subnets, config, segmentId }: Network): string {
  return canonical({ internal, subnets, config, segmentId })
}

export function contentOfEndpoint(endpoint: CreateEndpointParams | DesiredEndpoint): string {
  const { network, container, interface: wanted, options } = endpoint
  return canonical({ networkId: network.id, handle: container.handle, wanted, options })
}

/** Throws `conflict` if there is content that is another. */
export function assertSame(what: string, known: string | undefined, asked: string): void {
  if (known === undefined || known === asked) return
  throw new ConetError('conflict', `${what}: it exists with other content`)
}

/** The order of members does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
