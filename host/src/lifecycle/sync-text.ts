// What a sync says of networks and endpoints, as JSON. It is made once for each record and kept until the record is
// replaced: a driver that comes back is told of thousands of which hardly any has changed.
import type { DesiredEndpoint } from '@conet/sdk'
import type { ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import { desiredEndpoint } from './driver-parameters.ts'
import type { HostContext } from './host-context.ts'

/** A JSON object, and its length in UTF-8. */
export type Text = { readonly json: string; readonly bytes: number }

type EndpointText = Text & {
  /** What else it was made of. */
  readonly container: ContainerRecord | undefined
  readonly sandbox: SandboxRecord | undefined
}

const networkTexts = new WeakMap<NetworkRecord, Text>()
const endpointTexts = new WeakMap<EndpointRecord, EndpointText>()

export function textOfNetwork(record: NetworkRecord): Text {
  const known = networkTexts.get(record)
  if (known !== undefined) return known
  const made = textOf(driverView(record))
  networkTexts.set(record, made)
  return made
}

/** The members of the endpoint but for `network`, which it shares with others. `sandbox`: where it is to be plugged. */
export function textOfEndpoint(
  host: HostContext,
  { endpoint, network }: { endpoint: EndpointRecord; network: NetworkRecord },
  sandbox: SandboxRecord | undefined,
): Text {
  const known = endpointTexts.get(endpoint)
  const container = host.inventory.containers.get(endpoint.handle)
  if (known !== undefined && known.container === container && known.sandbox === sandbox) return known
  const own: Partial<DesiredEndpoint> = { ...desiredEndpoint(host, endpoint, driverView(network)) }
  delete own.network
  const made = { ...textOf(own), container, sandbox }
  endpointTexts.set(endpoint, made)
  return made
}

function textOf(value: object): Text {
  const json = JSON.stringify(value)
  return { json, bytes: Buffer.byteLength(json) }
}
