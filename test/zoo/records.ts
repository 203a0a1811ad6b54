// What the driver has, and what counts for "the same" (docs/protocol.md, Repetition). It knows no messages.
import {
  ConetError,
  type CreateEndpointParams,
  type DesiredEndpoint,
  type EndpointRef,
  type Network,
  type Peer,
} from '@conet/sdk'

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
  readonly networks = new Map<string, string>()
  readonly endpoints = new Map<string, EndpointRecord>()
  /** The directory of each network, as far as it was told. */
  readonly peers = new Map<string, Directory>()

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
