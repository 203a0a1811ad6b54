// The driver: what happens when conet makes and deletes networks and endpoints, and plugs containers in. It works as it
// is, and does nothing to the kernel yet: each place that should is marked with TODO.
import { ConetError, defineDriver } from '@conet/sdk'

// From '@conet/sdk/linux' come namespaces, links, addresses, routes and nftables: openSandbox, Rtnl, createVeth, …

/** @import { EndpointRef, Network, PlugParams } from '@conet/sdk' */

/** What the user may write into `config` of a network; conet refuses everything else before it calls. */
const configSchema = {
  type: 'object',
  properties: { mtu: { type: 'integer', minimum: 1280, maximum: 9000 } },
  additionalProperties: false,
}

/** A driver that knows nothing yet: after each connect conet tells it what should be. */
export function myDriver() {
  /** @type {Map<string, Network>} */
  const networks = new Map()
  /** @type {Map<string, EndpointRef>} */
  const endpoints = new Map()

  return defineDriver({
    name: 'my-driver',
    version: '0.1.0',
    configSchema,

    async createNetwork(network, call) {
      if (network.subnets.length === 0) {
        throw new ConetError('invalidArgument', `create network "${network.name}": it has no subnet`, {
          fields: [{ path: 'network.subnets', message: 'must have at least one entry' }],
        })
      }
      // TODO: make what the network needs outside of containers, such as a bridge; here again: mend what differs.
      networks.set(network.id, network)
      call.log('info', `network "${network.name}" is there`)
    },

    async deleteNetwork(networkId) {
      // TODO: take it away; it may be gone already, or be of a former life.
      networks.delete(networkId)
    },

    async listNetworks() {
      // TODO: what is really there, from the kernel: what is not named here is never cleaned up.
      return [...networks.keys()]
    },

    async createEndpoint({ network, endpointId }) {
      endpoints.set(endpointId, { networkId: network.id, endpointId })
    },

    async deleteEndpoint({ endpointId }) {
      // TODO: take its interface away, if it is still there.
      endpoints.delete(endpointId)
    },

    async listEndpoints() {
      // TODO: as with networks, also those whose interfaces a former life has left.
      return [...endpoints.values()]
    },

    async plug(params) {
      return { interfaces: await makeInterfaces(params) }
    },

    async unplug() {
      // TODO: take the interface out of the sandbox, which may be gone.
    },
  })
}

/**
 * TODO: make the interface in `sandbox.path` with the name, MAC and addresses of `wanted`, or leave that to conet:
 * make a link here and answer { configuredBy: 'host', sourceName, name, macAddress, addresses, routes: [] },
 * with the MTU of `wanted` if it has one.
 *
 * @param {PlugParams} params
 * @returns {Promise<import('@conet/sdk').PlugResult['interfaces']>}
 */
async function makeInterfaces({ interface: _wanted, sandbox: _sandbox }) {
  return []
}
