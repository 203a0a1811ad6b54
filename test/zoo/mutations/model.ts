// Drivers that go wrong in the middle of their lives only: no check that makes one object shows it.
import type { DesiredEndpoint } from '@conet/sdk'
import { type Mutation, method } from './mutation.ts'

export const modelMutations: readonly Mutation[] = [
  {
    name: 'remembersOneNetwork',
    does: 'knows the content of the network that it made last, and of no other',
    fails: ['model.objects', 'model.plugs'],
    change: method('network/create', (good) => (params, call) => {
      const { networks } = call.session.driver.records
      const known = networks.get(params.network.id)
      if (known !== undefined && [...networks.keys()].at(-1) !== params.network.id) return Promise.resolve({})
      return good(params, call)
    }),
  },
  {
    name: 'remembersOnePlug',
    does: 'knows the sandbox of the endpoint that it plugged last, and of no other',
    fails: ['model.plugs'],
    change: (good) => {
      let last: string | undefined
      const forgetting = method('endpoint/plug', (plug) => async (params, call) => {
        const { records } = call.session.driver
        const before = records.endpoints.get(params.endpointId)?.sandbox
        if (last !== params.endpointId && before !== undefined) records.unplug(params.endpointId)
        const result = await plug(params, call)
        last = params.endpointId
        return result
      })
      return forgetting(good)
    },
  },
  {
    name: 'syncsKnownPlugsOnly',
    does: 'plugs at a sync only the endpoints that it has heard of before',
    where: 'program',
    fails: ['model.restarts', 'restart.mid-plug', 'restart.sync'],
    change: method('driver/sync', (good) => async (page, call) => {
      const { endpoints } = call.session.driver.records
      const known = new Set(endpoints.keys())
      const strip = ({ sandbox: _left, ...created }: DesiredEndpoint): DesiredEndpoint => created
      const heardOf = page.endpoints.map((one) => (known.has(one.endpointId) ? one : strip(one)))
      return good({ ...page, endpoints: heardOf }, call)
    }),
  },
]
