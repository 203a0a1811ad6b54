// What a sync says of the endpoints of a network, as JSON, in pieces of which pages are put together. They are made once
// and kept until something of it changes: a driver that comes back is told of thousands of which hardly any has.
import type { SandboxRecord } from '../domain/container.ts'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { HostContext } from './host-context.ts'
import type { PageEndpoint } from './sync-answer.ts'
import { type Text, textOfEndpoint } from './sync-text.ts'

/** Endpoints, as JSON with commas between them. */
export type Piece = Text & { readonly endpoints: readonly PageEndpoint[] }

/** All pieces of a network as it was then. */
type Told = { readonly revision: number; readonly pieceBytes: number; readonly pieces: readonly Piece[] }

const toldOf = new WeakMap<NetworkRecord, Told>()

/**
 * What should be of the network, as it is on record when each piece is asked for. Endpoints that come on record meanwhile
 * are not among it. A piece is not longer than `pieceBytes`, unless it is one endpoint.
 */
export function* piecesOf(host: HostContext, networkId: string, pieceBytes: number): Generator<Piece> {
  const { inventory } = host
  const network = inventory.networks.get(networkId)
  if (network === undefined) return
  const revision = inventory.revisionOf(networkId)
  const isUnchanged = () =>
    inventory.revisionOf(networkId) === revision && inventory.networks.get(networkId) === network
  const told = toldOf.get(network)
  if (told?.revision === revision && told.pieceBytes === pieceBytes) {
    for (const piece of told.pieces) {
      if (isUnchanged()) yield piece
      else yield* inPieces(host, idsOf(piece), pieceBytes)
    }
    return
  }
  const pieces: Piece[] = []
  const ids = inventory.endpointsOfNetwork(networkId).map(({ id }) => id)
  for (const piece of inPieces(host, ids, pieceBytes)) {
    pieces.push(piece)
    yield piece
  }
  if (isUnchanged()) toldOf.set(network, { revision, pieceBytes, pieces })
}

/** The sandbox in which it should be; undefined for one that is only created. */
export function sandboxOf(host: HostContext, { state, handle }: EndpointRecord): SandboxRecord | undefined {
  return state === 'plugged' ? host.inventory.sandboxes.get(handle) : undefined
}

function* inPieces(host: HostContext, ids: readonly string[], pieceBytes: number): Generator<Piece> {
  let texts: string[] = []
  let endpoints: PageEndpoint[] = []
  let bytes = 0
  for (const id of ids) {
    const one = pieceOfOne(host, id)
    if (one === undefined) continue
    if (texts.length > 0 && bytes + 1 + one.text.bytes > pieceBytes) {
      yield { json: texts.join(','), bytes, endpoints }
      texts = []
      endpoints = []
      bytes = 0
    }
    bytes += one.text.bytes + (texts.length > 0 ? 1 : 0)
    texts.push(one.text.json)
    endpoints.push(one.endpoint)
  }
  if (texts.length > 0) yield { json: texts.join(','), bytes, endpoints }
}

/** Undefined: it should not be. */
function pieceOfOne(host: HostContext, id: string): { text: Text; endpoint: PageEndpoint } | undefined {
  const record = host.inventory.endpoints.get(id)
  const network = record && host.inventory.networks.get(record.networkId)
  if (record === undefined || network?.state !== 'active' || !isWanted(record)) return undefined
  const { policyRevision } = record
  return {
    text: textOfEndpoint(host, record, network),
    endpoint: { endpointId: id, network, sandbox: sandboxOf(host, record), policyRevision },
  }
}

function idsOf({ endpoints }: Piece): string[] {
  return endpoints.map(({ endpointId }) => endpointId)
}
