// What may be asked of a driver on networks and endpoints, and what the model says must come of it.
import { giveBack } from '../kernel/host-part.ts'
import { refOf } from '../kernel/plugged.ts'
import { isInUse, type Model, pick, type Real } from './model.ts'

/** One step. `position` says of which object. */
export type Step = {
  readonly name: string
  isPossible(model: Model): boolean
  run(model: Model, real: Real, position: number): Promise<void>
}

const hasNetwork = ({ networks }: Model) => networks.size > 0
const hasEndpoint = ({ endpoints }: Model) => endpoints.size > 0
const always = () => true
const mostNetworks = 4
const mostEndpoints = 8

const createNetwork: Step = {
  name: 'createNetwork',
  isPossible: ({ networks }) => networks.size < mostNetworks,
  async run(model, real) {
    const network = real.kit.objects.network()
    real.ids.add(network.id)
    await real.host.call('network/create', { network })
    model.networks.set(network.id, network)
  },
}

const createEndpoint: Step = {
  name: 'createEndpoint',
  isPossible: (model) => hasNetwork(model) && model.endpoints.size < mostEndpoints,
  async run({ networks, endpoints }, { kit, host, ids }, position) {
    const network = pick(networks.values(), position)
    if (network === undefined) return
    const plain = kit.objects.endpoint(network)
    ids.add(plain.endpointId)
    const params = await kit.createEndpoint(host, network, {
      ...plain,
      interface: { ...plain.interface, name: nameFor(kit, ids.size), defaultRoute: false },
    })
    endpoints.set(params.endpointId, { params })
  },
}

/** Several may come into one sandbox. */
function nameFor({ introduction }: Real['kit'], number: number): string {
  return introduction.capabilities.sandbox === 'private' ? 'kit0' : `kit${number}`
}

/** What every sequence begins with, so that its other steps have something to do. */
export const firstSteps: readonly Step[] = [createNetwork, createNetwork, createEndpoint, createEndpoint]

export const objectSteps: readonly Step[] = [
  createNetwork,
  {
    name: 'createNetworkAgain',
    isPossible: hasNetwork,
    async run({ networks }, { host }, position) {
      const network = pick(networks.values(), position)
      if (network !== undefined)
        await host.call('network/create', { network: { ...network, labels: { again: 'yes' } } })
    },
  },
  {
    name: 'createNetworkDifferently',
    isPossible: hasNetwork,
    async run({ networks }, { host, kit }, position) {
      const network = pick(networks.values(), position)
      if (network === undefined) return
      const { subnets } = kit.objects.network()
      await host.refused('network/create', { network: { ...network, subnets } }, ['conflict'])
    },
  },
  {
    name: 'deleteNetwork',
    isPossible: hasNetwork,
    async run(model, { host }, position) {
      const network = pick(model.networks.values(), position)
      if (network === undefined) return
      const params = { networkId: network.id }
      if (isInUse(model, network)) {
        await host.refused('network/delete', params, ['inUse'])
        return
      }
      await host.call('network/delete', params)
      model.networks.delete(network.id)
    },
  },
  {
    name: 'deleteUnknown',
    isPossible: always,
    async run(_model, { host, kit }) {
      const ref = { networkId: kit.objects.id(), endpointId: kit.objects.id() }
      await host.call('endpoint/unplug', ref)
      await host.call('endpoint/delete', ref)
      await host.call('network/delete', { networkId: ref.networkId })
    },
  },
  createEndpoint,
  {
    name: 'createEndpointAgain',
    isPossible: hasEndpoint,
    async run({ endpoints }, { host }, position) {
      const endpoint = pick(endpoints.values(), position)
      if (endpoint !== undefined) await host.call('endpoint/create', endpoint.params)
    },
  },
  {
    name: 'createEndpointDifferently',
    isPossible: hasEndpoint,
    async run({ endpoints }, { host }, position) {
      const endpoint = pick(endpoints.values(), position)
      if (endpoint === undefined) return
      const { params } = endpoint
      const other = { ...params.interface, macAddress: '02:00:5e:00:00:01' }
      await host.refused('endpoint/create', { ...params, interface: other }, ['conflict'])
      // Until a create succeeds again, plugs are refused (CALL-6).
      await host.call('endpoint/create', params)
    },
  },
  {
    name: 'deleteEndpoint',
    isPossible: hasEndpoint,
    async run({ endpoints }, { host }, position) {
      const endpoint = pick(endpoints.values(), position)
      if (endpoint === undefined) return
      const { params, plug } = endpoint
      if (plug !== undefined) giveBack(plug.sandbox, plug.result)
      await host.call('endpoint/delete', refOf(params))
      endpoints.delete(params.endpointId)
    },
  },
  {
    name: 'reconnect',
    isPossible: always,
    async run(_model, real) {
      real.host.close()
      real.host = await real.kit.connect()
      await real.host.call('driver/ping', {})
    },
  },
]
