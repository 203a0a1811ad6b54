// Drivers that make, list, compare or delete networks wrongly.
import { ConetError } from '@conet/sdk'
import { contentOfNetwork } from '../records.ts'
import { type Mutation, method, parts } from './mutation.ts'

export const networkMutations: readonly Mutation[] = [
  {
    name: 'listsNetworksTwice',
    does: 'names each network twice in its list',
    fails: [
      'calls.lost-connection',
      'calls.same-at-once',
      'drain.serves',
      'drain.waits',
      'model.objects',
      'model.plugs',
      'network.created',
      'network.repeated',
      'sync.empty',
      'sync.makes',
    ],
    change: method('network/list', () => async (_params, { session }) => {
      const ids = [...session.driver.records.networks.keys()]
      return { networkIds: [...ids, ...ids] }
    }),
  },
  {
    name: 'deletesNetworksLater',
    does: 'answers the delete of a network before it is gone',
    fails: ['calls.in-order', 'model.objects', 'model.plugs', 'network.deleted', 'network.remade'],
    change: method('network/delete', (good) => async (params, call) => {
      const { networks } = call.session.driver.records
      const content = networks.get(params.networkId)
      await good(params, call)
      if (content === undefined) return {}
      networks.set(params.networkId, content)
      setTimeout(() => networks.delete(params.networkId), 150)
      return {}
    }),
  },
  {
    name: 'networksOnce',
    does: 'refuses to create a network that is there',
    fails: [
      'calls.same-at-once',
      'cancel.next-call',
      'model.objects',
      'model.plugs',
      'network.conflict',
      'network.names-may-change',
      'network.repeated',
      'sync.has-the-last-word',
    ],
    change: method('network/create', (good) => async (params, call) => {
      if (!call.session.driver.records.networks.has(params.network.id)) return good(params, call)
      throw new ConetError('conflict', `create network ${params.network.id}: it exists`)
    }),
  },
  {
    name: 'namesCount',
    does: 'takes a network with another name for another network',
    fails: ['model.objects', 'model.plugs', 'network.names-may-change', 'sync.has-the-last-word'],
    change: method(
      'network/create',
      (good) =>
        ({ network }, call) =>
          good({ network: { ...network, config: { ...network.config, name: network.name } } }, call),
    ),
  },
  {
    name: 'anyContent',
    does: 'takes the last content of a network for the right one',
    fails: ['model.objects', 'model.plugs', 'network.conflict', 'sync.has-the-last-word'],
    change: method('network/create', (good) => (params, call) => {
      const { networks } = call.session.driver.records
      if (networks.has(params.network.id)) networks.set(params.network.id, contentOfNetwork(params.network))
      return good(params, call)
    }),
  },
  {
    name: 'deletesKnownNetworksOnly',
    does: 'answers notFound to the delete of a network that it does not have',
    fails: ['model.objects', 'model.plugs', 'network.deleted-again'],
    change: method('network/delete', (good) => (params, call) => {
      if (call.session.driver.records.networks.has(params.networkId)) return good(params, call)
      throw new ConetError('notFound', `delete network ${params.networkId}: there is none`)
    }),
  },
  {
    name: 'deletesNetworksInUse',
    does: 'deletes networks that have endpoints',
    fails: ['model.objects', 'model.plugs', 'network.in-use'],
    change: method('network/delete', () => async ({ networkId }, { session }) => {
      session.driver.records.networks.delete(networkId)
      session.driver.records.peers.delete(networkId)
      return {}
    }),
  },
  {
    name: 'remembersDeadNetworks',
    does: 'holds a new network against what a deleted one of its id was',
    fails: ['network.remade', 'sync.has-the-last-word'],
    change: (good) => {
      const contents = new Map<string, string>()
      return method('network/create', (create) => async (params, call) => {
        const { id } = params.network
        const before = contents.get(id)
        const content = contentOfNetwork(params.network)
        if (before !== undefined && before !== content) {
          throw new ConetError('conflict', `create network ${id}: it was another before`)
        }
        const result = await create(params, call)
        contents.set(id, content)
        return result
      })(good)
    },
  },
  {
    name: 'noFields',
    does: 'does not say which field of the params is wrong',
    fails: ['endpoint.invalid', 'network.invalid'],
    change: parts(({ validate }) => ({
      validate: (method, params) => {
        try {
          return validate(method, params)
        } catch (error) {
          throw new ConetError('invalidArgument', `${method}: the params are wrong`, { cause: error })
        }
      },
    })),
  },
  {
    name: 'halfMadeNetworks',
    does: 'makes a network, and then looks at its config',
    fails: ['network.bad-config'],
    change: method('network/create', (good) => async (params, call) => {
      const result = await good(params, call)
      const [strange] = Object.keys(params.network.config).filter((key) => key !== 'parent')
      if (strange === undefined) return result
      throw new ConetError('invalidArgument', `create network: what is ${strange}?`)
    }),
  },
]
