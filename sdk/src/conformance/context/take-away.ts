// The end of a check: whatever it asked the driver for, by the record of what was sent, is unplugged and deleted.
import type { Transcript } from '../transcript/transcript.ts'
import type { KitHost } from '../wire/kit-host.ts'
import { isJson, type Json } from '../wire/strict-parser.ts'

type Asked = { readonly networks: Set<string>; readonly endpoints: Map<string, Json> }

/** Connects only if there is something to take away. Stops at the first connection that fails. */
export async function takeAway(
  transcripts: readonly Transcript[],
  connect: () => Promise<KitHost>,
): Promise<void> {
  const asked = askedFor(transcripts)
  if (asked.networks.size === 0 && asked.endpoints.size === 0) return
  using host = await connect()
  for (const params of [...asked.endpoints.values()].reverse()) await host.request('endpoint/unplug', params)
  for (const params of [...asked.endpoints.values()].reverse()) await host.request('endpoint/delete', params)
  for (const networkId of [...asked.networks].reverse()) await host.request('network/delete', { networkId })
}

function askedFor(transcripts: readonly Transcript[]): Asked {
  const asked: Asked = { networks: new Set(), endpoints: new Map() }
  for (const { message } of transcripts.flatMap((transcript) => transcript.messages('sent'))) {
    if (isJson(message.params)) note(asked, String(message.method), message.params)
  }
  return asked
}

function note(asked: Asked, method: string, params: Json): void {
  if (method === 'network/create') noteNetwork(asked, params.network)
  if (method === 'endpoint/create' || method === 'endpoint/plug') noteEndpoint(asked, params)
  if (method !== 'driver/sync') return
  if (Array.isArray(params.networks)) for (const network of params.networks) noteNetwork(asked, network)
  if (Array.isArray(params.endpoints)) for (const endpoint of params.endpoints) noteEndpoint(asked, endpoint)
}

function noteNetwork({ networks }: Asked, network: unknown): void {
  if (isJson(network) && isId(network.id)) networks.add(network.id)
}

function noteEndpoint({ endpoints }: Asked, params: unknown): void {
  if (!isJson(params) || !isId(params.endpointId) || !isJson(params.network)) return
  const { id: networkId } = params.network
  if (!isId(networkId)) return
  const { endpointId, sandbox } = params
  endpoints.set(endpointId, { networkId, endpointId, ...(isSandbox(sandbox) && { sandbox }) })
}

/** What a check sent wrong on purpose made nothing, and is not asked to be deleted. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isSandbox(value: unknown): boolean {
  return (
    isJson(value) &&
    typeof value.id === 'string' &&
    typeof value.path === 'string' &&
    value.path.startsWith('/')
  )
}
