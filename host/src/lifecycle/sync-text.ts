// What a sync says of one network or endpoint, as JSON.
import type { DesiredEndpoint } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import { desiredEndpoint } from './driver-parameters.ts'
import type { HostContext } from './host-context.ts'

/** JSON, and its length in UTF-8. */
export type Text = { readonly json: string; readonly bytes: number }

const networkTexts = new WeakMap<NetworkRecord, Text>()

/** Made once for each record: each of its endpoints says it again. */
export function textOfNetwork(record: NetworkRecord): Text {
  const known = networkTexts.get(record)
  if (known !== undefined) return known
  const made = textOf(JSON.stringify(driverView(record)))
  networkTexts.set(record, made)
  return made
}

export function textOfEndpoint(host: HostContext, endpoint: EndpointRecord, network: NetworkRecord): Text {
  const own: Partial<DesiredEndpoint> = { ...desiredEndpoint(host, endpoint, driverView(network)) }
  delete own.network
  return textOf(`{"network":${textOfNetwork(network).json},${JSON.stringify(own).slice(1)}`)
}

function textOf(json: string): Text {
  return { json, bytes: Buffer.byteLength(json) }
}
