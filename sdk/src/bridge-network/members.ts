// The members that all drivers have whose networks are bridges. Which call does what; how is next door.
import type { Driver, HostHandle } from '../driver/index.ts'
import { ConetError } from '../errors/index.ts'
import { Endpoints } from './endpoints.ts'
import type { BridgeNetworkKind } from './kind.ts'
import { Machine } from './machine.ts'
import { Networks } from './networks.ts'
import { Policies } from './policies.ts'
import { checkPolicy } from './policy/check.ts'
import { statsOf } from './stats.ts'

/** What `bridgeNetworks` gives. */
export type BridgeNetworkMembers = Required<
  Pick<
    Driver,
    | 'start'
    | 'activate'
    | 'drain'
    | 'stop'
    | 'createNetwork'
    | 'deleteNetwork'
    | 'listNetworks'
    | 'networkFaults'
    | 'deleteEndpoint'
    | 'listEndpoints'
    | 'plug'
    | 'unplug'
    | 'policy'
    | 'checkPolicy'
    | 'stats'
  >
> & { createEndpoint(...call: Parameters<Required<Driver>['createEndpoint']>): Promise<void> }

type Running = {
  readonly machine: Machine
  readonly networks: Networks
  readonly endpoints: Endpoints
  readonly policies: Policies
}

type Started = () => Running

/**
 * A driver whose networks are Linux bridges and whose endpoints are veths: spread it into `defineDriver`. It works in
 * the network namespace of the thread that starts it, keeps no record but the kernel, and may be upgraded while it
 * works (`hotUpgrade`).
 */
export function bridgeNetworks(kind: BridgeNetworkKind): BridgeNetworkMembers {
  let running: Running | undefined

  function started(): Running {
    if (running !== undefined) return running
    throw new ConetError('notReady', `the ${kind.driverName} driver has not started`)
  }

  return {
    async start(host) {
      running = run(host, kind)
    },
    async activate() {
      const { machine, policies } = started()
      await machine.takeCharge((endpointId) => policies.knows(endpointId))
      await policies.shaper.adopt()
      await kind.extension?.sweep(machine)
    },
    async drain() {
      started().machine.leaveCharge()
    },
    async stop() {
      await running?.policies.close()
      await running?.machine.close()
      running = undefined
    },
    ...networkMembers(started),
    ...endpointMembers(started, kind),
  }
}

function run(host: HostHandle, kind: BridgeNetworkKind): Running {
  const machine = Machine.open(host, kind)
  const policies = new Policies(machine, kind)
  const networks = new Networks(machine, { kind, policies })
  return { machine, networks, endpoints: new Endpoints(machine, { networks, policies }), policies }
}

function networkMembers(started: Started) {
  return {
    async createNetwork(network, call) {
      const { networks, endpoints } = started()
      const changed = await networks.create(network, call)
      if (changed !== undefined) endpoints.changeMtu(network.id, changed)
    },
    async deleteNetwork(networkId) {
      const { networks, endpoints } = started()
      await networks.delete(networkId)
      endpoints.forgetAll(networkId)
    },
    async listNetworks() {
      return started().networks.list()
    },
    async networkFaults() {
      return started().networks.faults()
    },
  } satisfies Partial<BridgeNetworkMembers>
}

function endpointMembers(started: Started, { spansHosts = false }: BridgeNetworkKind) {
  return {
    async createEndpoint(params) {
      started().endpoints.create(params)
    },
    deleteEndpoint: (endpoint) => started().endpoints.delete(endpoint),
    async listEndpoints() {
      return await started().endpoints.list()
    },
    plug: (params, call) => started().endpoints.plug(params, call),
    unplug: (endpoint) => started().endpoints.unplug(endpoint),
    policy: (params) => started().endpoints.policy(params),
    checkPolicy: async (policy) => checkPolicy(policy, { spansHosts }),
    async stats(endpoints) {
      return statsOf(started().machine, endpoints)
    },
  } satisfies Partial<BridgeNetworkMembers>
}
