// The counters of endpoints, all out of one list of links.
import type { EndpointRef, EndpointStats } from '../protocol/index.ts'
import type { Machine } from './machine.ts'

/** Those that are not plugged are left out. What the machine sends to the port is what the container receives. */
export function statsOf({ rtnl, names }: Machine, endpoints: readonly EndpointRef[]): EndpointStats[] {
  const wanted = new Map(endpoints.map((endpoint) => [names.port(endpoint.endpointId), endpoint]))
  return rtnl.linkStatistics({ kind: 'veth' }).flatMap(({ name, statistics }) => {
    const endpoint = wanted.get(name)
    if (endpoint === undefined) return []
    const { networkId, endpointId } = endpoint
    return [
      {
        networkId,
        endpointId,
        rxBytes: statistics.sentBytes,
        txBytes: statistics.receivedBytes,
        rxPackets: statistics.sentPackets,
        txPackets: statistics.receivedPackets,
        rxErrors: statistics.sendErrors,
        txErrors: statistics.receiveErrors,
        rxDropped: statistics.sendDropped,
        txDropped: statistics.receiveDropped,
      },
    ]
  })
}
