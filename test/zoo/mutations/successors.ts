// Drivers that do not come after themselves: after a restart, or beside an instance that is to be relieved.
import type { Behaviour } from '../behaviour.ts'
import { isJsonObject } from '../wire.ts'
import { type Mutation, parts } from './mutation.ts'

const of = { keepsRecords: true, hotUpgrade: true } as const
const where = 'program'

export const successorMutations: readonly Mutation[] = [
  {
    name: 'deletesItsOwn',
    does: 'deletes what this instance has created, and of the rest says that it has',
    of,
    where,
    fails: ['restart.delete', 'restart.mid-plug', 'restart.unknown', 'upgrade.takes-over'],
    spoils: ['model.restarts'],
    change: deletesItsOwn,
  },
  {
    name: 'standbyMends',
    does: 'mends, as a standby, what the other instance has made well',
    of,
    where,
    fails: ['upgrade.standby'],
    change: standbyMends,
  },
  {
    name: 'neverLeaves',
    does: 'goes on when it is told that another instance has taken over',
    of,
    where,
    fails: ['upgrade.replaced'],
    spoils: ['handshake.rejection-logged'],
    change: parts(() => ({ rejected: () => undefined })),
  },
]

function deletesItsOwn(good: Behaviour): Behaviour {
  const own = new Set<string>()
  const { methods } = good
  return {
    ...good,
    methods: {
      ...methods,
      'network/create': (params, call) => {
        own.add(params.network.id)
        return methods['network/create'](params, call)
      },
      'endpoint/create': (params, call) => {
        own.add(params.endpointId)
        return methods['endpoint/create'](params, call)
      },
      'network/delete': async (params, call) =>
        own.has(params.networkId) ? methods['network/delete'](params, call) : {},
      'endpoint/delete': async (params, call) =>
        own.has(params.endpointId) ? methods['endpoint/delete'](params, call) : {},
    },
  }
}

function standbyMends(good: Behaviour): Behaviour {
  let role: unknown
  const { methods, hear } = good
  return {
    ...good,
    hear: (session, method, params) => {
      if (method === 'initialized' && isJsonObject(params)) role = params.role
      hear(session, method, params)
    },
    methods: {
      ...methods,
      'driver/sync': async (page, call) => {
        const answer = await methods['driver/sync'](page, call)
        return role === 'standby' ? { ...answer, repaired: ['everything, to be sure'] } : answer
      },
    },
  }
}
