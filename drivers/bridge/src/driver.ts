// The bridge driver: one Linux bridge a network, one veth an endpoint. Here is which call does what; how is next door.
import { ConetError, defineDriver } from '@conet/sdk'
import { attachmentSchema, configSchema } from './config.ts'
import { Endpoints } from './endpoints.ts'
import { listNetworks } from './inventory.ts'
import { Machine } from './machine.ts'
import { Networks } from './networks.ts'

type Running = { readonly machine: Machine; readonly networks: Networks; readonly endpoints: Endpoints }

/** A driver that has not started. It works in the network namespace of the thread that starts it. */
export function bridgeDriver() {
  let running: Running | undefined

  function started(): Running {
    if (running !== undefined) return running
    throw new ConetError('notReady', 'the bridge driver has not started')
  }

  return defineDriver({
    name: 'bridge',
    vendor: 'conet',
    version: '0.1.0',
    configSchema: { ...configSchema },
    attachmentSchema: { ...attachmentSchema },
    // What it knows is in the kernel, or comes with the sync.
    hotUpgrade: true,

    async start(host) {
      const machine = Machine.open(host)
      const networks = new Networks(machine)
      running = { machine, networks, endpoints: new Endpoints(machine, networks) }
    },
    activate: () => started().machine.takeCharge(),
    async drain() {
      started().machine.leaveCharge()
    },
    async stop() {
      await running?.machine.close()
      running = undefined
    },

    createNetwork: (network, call) => started().networks.create(network, call),
    async deleteNetwork(networkId) {
      const { networks, endpoints } = started()
      await networks.delete(networkId)
      endpoints.forgetAll(networkId)
    },
    listNetworks: async () => listNetworks(started().machine.rtnl),

    createEndpoint: async (params) => started().endpoints.create(params),
    deleteEndpoint: (endpoint) => started().endpoints.delete(endpoint),
    listEndpoints: async () => started().endpoints.list(),

    plug: (params, call) => started().endpoints.plug(params, call),
    unplug: (endpoint) => started().endpoints.unplug(endpoint),
  })
}
