// Domain records as the driver protocol's parameters.
import type {
  Container,
  CreateEndpointParams,
  DesiredEndpoint,
  Network,
  PlugParams,
  PolicyParams,
  Sandbox,
} from '@conet/sdk'
import type { SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import { furtherConfig } from '../domain/runtime-word.ts'
import type { HostContext } from './host-context.ts'

export function createParameters(
  host: HostContext,
  endpoint: EndpointRecord,
  network: NetworkRecord,
): CreateEndpointParams {
  return parameters(host, endpoint, driverView(network))
}

function parameters(host: HostContext, endpoint: EndpointRecord, network: Network): CreateEndpointParams {
  const { id, handle, interface: wanted, options, requestedAddresses, policy, portMappings } = endpoint
  return {
    network,
    endpointId: id,
    container: containerOf(host, handle),
    interface: wanted,
    options,
    ...(requestedAddresses !== undefined && { requestedAddresses }),
    ...(policy !== undefined && { policy }),
    ...(portMappings !== undefined && { portMappings }),
  }
}

function containerOf(host: HostContext, handle: string): Container {
  const record = host.inventory.containers.get(handle)
  if (record === undefined) return { handle, labels: {} }
  const config = furtherConfig(record)
  const { labels } = record
  return Object.keys(config).length === 0 ? { handle, labels } : { handle, labels, config }
}

export function plugParameters(create: CreateEndpointParams, sandbox: SandboxRecord): PlugParams {
  return { ...create, sandbox: sandboxParameter(sandbox) }
}

/** `network`: as the driver sees it, since thousands of endpoints share it. */
export function desiredEndpoint(
  host: HostContext,
  endpoint: EndpointRecord,
  network: Network,
): DesiredEndpoint {
  const create = parameters(host, endpoint, network)
  const sandbox = host.inventory.sandboxes.get(endpoint.handle)
  return endpoint.state === 'plugged' && sandbox !== undefined ? plugParameters(create, sandbox) : create
}

/** Where it is plugged, if it is. */
export function policyParameters(
  host: HostContext,
  endpoint: EndpointRecord,
  network: NetworkRecord,
): PolicyParams {
  return desiredEndpoint(host, endpoint, driverView(network))
}

export function sandboxParameter({ id, path }: SandboxRecord): Sandbox {
  return { id, path }
}
