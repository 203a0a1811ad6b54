// The null driver: every call succeeds and nothing is done to the kernel. Hosts use it to be tested, and networks
// that only need a record. It remembers what it was told, in memory, so that it can name it.
import { defineDriver, type EndpointRef } from '@conet/sdk'

/** A driver that remembers nothing yet. */
export function nullDriver() {
  const networks = new Set<string>()
  const endpoints = new Map<string, EndpointRef>()

  return defineDriver({
    name: 'null',
    vendor: 'conet',
    version: '0.1.0',
    // All it has is what it was told, and the host tells it everything.
    hotUpgrade: true,

    async createNetwork({ id }) {
      networks.add(id)
    },
    async deleteNetwork(networkId) {
      networks.delete(networkId)
    },
    async listNetworks() {
      return [...networks]
    },

    async createEndpoint({ network, endpointId }) {
      endpoints.set(endpointId, { networkId: network.id, endpointId })
    },
    async deleteEndpoint({ endpointId }) {
      endpoints.delete(endpointId)
    },
    async listEndpoints() {
      return [...endpoints.values()]
    },

    async plug() {
      return { interfaces: [] }
    },
    async unplug() {},
  })
}
