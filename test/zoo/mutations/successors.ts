// Drivers that do not come after themselves: after a restart, or beside an instance that is to be relieved.
import type { PlugParams } from '@conet/sdk'
import { createBridge, openSandbox, Rtnl } from '@conet/sdk/linux'
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
    name: 'listsWhatItWasTold',
    does: 'lists the endpoints of which this instance was told, and none that it finds',
    of: { ...of, interfaces: true },
    where,
    fails: ['restart.listed'],
    change: listsWhatItWasTold,
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

function listsWhatItWasTold(good: Behaviour): Behaviour {
  const told = new Set<string>()
  const { methods } = good
  return {
    ...good,
    methods: {
      ...methods,
      'endpoint/create': (params, call) => {
        told.add(params.endpointId)
        return methods['endpoint/create'](params, call)
      },
      'driver/sync': (page, call) => {
        for (const { endpointId } of page.endpoints) told.add(endpointId)
        return methods['driver/sync'](page, call)
      },
      'endpoint/plug': async (params, call) => {
        const answer = await methods['endpoint/plug'](params, call)
        leaveLink(params)
        return answer
      },
      'endpoint/list': async (_params, { session }) => ({
        endpoints: session.driver.records.refs().filter(({ endpointId }) => told.has(endpointId)),
      }),
    },
  }
}

/** Something that outlives the process, and goes with the sandbox: hosts that meet the zoo find no trace outside. */
function leaveLink({ sandbox, interface: { name } }: PlugParams): void {
  using namespace = openSandbox(sandbox.path)
  using rtnl = Rtnl.openIn(namespace)
  if (rtnl.link(name) === undefined) rtnl.create(createBridge({ name }))
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
