// Domain records as the driver protocol's parameters.
import type { CreateEndpointParams, DesiredEndpoint, PlugParams, Sandbox } from '@conet/sdk'
import type { SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import type { HostContext } from './host-context.ts'

export function createParameters(
  host: HostContext,
  endpoint: EndpointRecord,
  network: NetworkRecord,
): CreateEndpointParams {
  return {
    network: driverView(network),
    endpointId: endpoint.id,
    container: {
      handle: endpoint.handle,
      labels: host.inventory.containers.get(endpoint.handle)?.labels ?? {},
    },
    interface: endpoint.interface,
    options: endpoint.options,
    ...(endpoint.requestedAddresses && { requestedAddresses: endpoint.requestedAddresses }),
  }
}

export function plugParameters(create: CreateEndpointParams, sandbox: SandboxRecord): PlugParams {
  return { ...create, sandbox: sandboxParameter(sandbox) }
}

export function desiredEndpoint(
  host: HostContext,
  endpoint: EndpointRecord,
  network: NetworkRecord,
): DesiredEndpoint {
  const create = createParameters(host, endpoint, network)
  const sandbox = host.inventory.sandboxes.get(endpoint.handle)
  return endpoint.state === 'plugged' && sandbox !== undefined ? plugParameters(create, sandbox) : create
}

export function sandboxParameter({ id, path }: SandboxRecord): Sandbox {
  return { id, path }
}
