// Drivers with their own IPAM that hand out addresses wrongly.
import { ConetError } from '@conet/sdk'
import { type Mutation, method } from './mutation.ts'

const of = { ipam: 'driver' } as const

export const ownAddressMutations: readonly Mutation[] = [
  {
    name: 'sameAddressForAll',
    does: 'gives every endpoint the second address of its network, unless it is asked for one',
    of,
    fails: ['addresses.answered'],
    change: method('endpoint/create', (good) => async (params, call) => {
      const { endpoints } = call.session.driver.records
      await good(params, call)
      const record = endpoints.get(params.endpointId)
      if (record === undefined || params.requestedAddresses !== undefined) return record ?? {}
      const addresses = params.network.subnets.map(({ subnet }) => subnet.replace(/\d+\//, '2/'))
      endpoints.set(params.endpointId, { ...record, addresses })
      return { addresses }
    }),
  },
  {
    name: 'noWishes',
    does: 'does not look at the addresses that it is asked for',
    of,
    fails: ['addresses.requested'],
    change: method(
      'endpoint/create',
      (good) =>
        ({ requestedAddresses: _left, ...params }, call) =>
          good(params, call),
    ),
  },
  {
    name: 'keepsAddresses',
    does: 'keeps the address of an endpoint that is deleted',
    of,
    fails: ['addresses.freed'],
    change: (good) => {
      const used = new Set<string>()
      const keeping = method('endpoint/delete', (remove) => (params, call) => {
        const { addresses = [] } = call.session.driver.records.endpoints.get(params.endpointId) ?? {}
        for (const address of addresses) used.add(address.split('/')[0] ?? address)
        return remove(params, call)
      })
      const refusing = method('endpoint/create', (create) => (params, call) => {
        const taken = params.requestedAddresses?.find((address) => used.has(address))
        if (taken === undefined) return create(params, call)
        throw new ConetError('addressInUse', `${taken} is taken`)
      })
      return refusing(keeping(good))
    },
  },
]
