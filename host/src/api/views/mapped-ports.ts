// Ports of the host that lead to an endpoint, as clients see them.
import type { NetworkInfoView } from '@conet/sdk/api'
import type { EndpointRecord } from '../../domain/endpoint.ts'

export function mappedPortViews(endpoint: EndpointRecord | undefined): NetworkInfoView['mapped_ports'] {
  return (endpoint?.portMappings ?? []).map(({ protocol, hostPort, containerPort, count, hostAddress }) => ({
    protocol,
    host_port: hostPort,
    container_port: containerPort,
    ...(count !== undefined && { count }),
    ...(hostAddress !== undefined && { host_address: hostAddress }),
  }))
}
