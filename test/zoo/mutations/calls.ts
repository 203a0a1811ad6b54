// Drivers that do not keep what accompanies a call: its order, its bounds, what the host says beside its params.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import type { Call } from '../call.ts'
import { isJsonObject } from '../wire.ts'
import { type Mutation, method, parts } from './mutation.ts'

export const callMutations: readonly Mutation[] = [
  {
    name: 'wantsMeta',
    does: 'refuses calls without _meta',
    fails: ['calls.without-meta', 'framing.large-message', 'framing.several-in-one', 'rpc.absent-params'],
    change: parts(({ meta }) => ({
      meta: (method, raw) => {
        if (raw === undefined) throw new ConetError('invalidArgument', `${method}: _meta is missing`)
        return meta(method, raw)
      },
    })),
  },
  {
    name: 'wantsWholeMeta',
    does: 'refuses calls with half of _meta',
    fails: ['calls.without-meta'],
    change: parts(({ meta }) => ({
      meta: (method, raw) => {
        const isHalf = isJsonObject(raw) && !('operationId' in raw && 'timeoutMs' in raw)
        if (isHalf) throw new ConetError('invalidArgument', `${method}: _meta is not whole`)
        return meta(method, raw)
      },
    })),
  },
  {
    name: 'anyMeta',
    does: 'puts a default in place of what is wrong in _meta',
    fails: ['calls.bad-meta'],
    change: parts(({ meta }) => ({
      meta: (method, raw) => {
        try {
          return meta(method, raw)
        } catch {
          return meta(method, undefined)
        }
      },
    })),
  },
  {
    name: 'noQueues',
    does: 'works on calls as they come, and on networks with less haste than on endpoints',
    fails: ['calls.in-order', 'drain.waits'],
    change: parts(() => ({
      inTurn: async (_session, { endpointId }, work) => {
        if (endpointId === undefined) await sleep(10)
        return work()
      },
    })),
  },
  {
    name: 'oneCreateAtATime',
    does: 'answers conflict while another create of the network is under way',
    fails: ['calls.in-order', 'calls.same-at-once', 'cancel.next-call'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        admit(request, session)
        const id = networkOf(request.params)
        const others = [...session.driver.sessions].flatMap(({ calls }) => [...calls.values()])
        if (others.some((call) => isCreate(call) && networkOf(call.request.params) === id)) {
          throw new ConetError('conflict', `create network ${id}: somebody is at it`)
        }
      },
    })),
  },
  {
    name: 'losesRecords',
    does: 'reads its endpoints before it works on one, and writes them all after it',
    fails: ['calls.many-at-once'],
    change: method('endpoint/create', (good) => async (params, call) => {
      const { endpoints } = call.session.driver.records
      const before = new Set(endpoints.keys()).add(params.endpointId)
      const result = await good(params, call)
      for (const id of endpoints.keys()) if (!before.has(id)) endpoints.delete(id)
      return result
    }),
  },
  {
    name: 'leavesHalves',
    does: 'leaves half a network where the connection ends during its create',
    fails: ['calls.lost-connection'],
    change: parts(() => ({
      closed: ({ driver, calls }) => {
        for (const call of calls.values()) {
          const id = isCreate(call) ? networkOf(call.request.params) : undefined
          if (id !== undefined) driver.records.networks.set(id, 'half of it')
        }
      },
    })),
  },
  {
    name: 'closesUnderLoad',
    does: 'ends a connection with more calls than it takes at once',
    fails: ['calls.overload', 'transcript.answered'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        if (session.calls.size >= session.driver.behaviour.maxInFlight) session.socket.destroy()
        admit(request, session)
      },
    })),
  },
  {
    name: 'internalUnderLoad',
    does: 'answers internal to calls beyond those that it takes at once',
    fails: ['calls.overload'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        try {
          admit(request, session)
        } catch (error) {
          if (!ConetError.is(error) || error.kind !== 'overloaded') throw error
          throw new ConetError('internal', 'internal error')
        }
      },
    })),
  },
]

function isCreate({ request }: Call): boolean {
  return request.method === 'network/create'
}

function networkOf(params: unknown): string | undefined {
  const network = isJsonObject(params) ? params.network : undefined
  return isJsonObject(network) && typeof network.id === 'string' ? network.id : undefined
}
