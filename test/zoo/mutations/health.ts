// Drivers that say wrongly how they are.
import { ConetError } from '@conet/sdk'
import { type Mutation, method, parts } from './mutation.ts'

export const healthMutations: readonly Mutation[] = [
  {
    name: 'oneEchoOnly',
    does: 'answers the first ping of a connection only',
    fails: [
      'cancel.nothing',
      'framing.several-in-one',
      'health.ping',
      'health.ping-under-load',
      'rpc.ids',
      'rpc.positional-params',
      'transcript.answered',
    ],
    change: (good) => {
      const seen = new WeakSet<object>()
      return {
        ...good,
        answer: (session, request, outcome) => {
          if (request.method === 'driver/ping') {
            if (seen.has(session)) return
            seen.add(session)
          }
          good.answer(session, request, outcome)
        },
      }
    },
  },
  {
    name: 'noPingsWhenBusy',
    does: 'counts pings among the calls of which it takes five at once',
    fails: ['calls.overload', 'health.ping-under-load'],
    change: parts(({ admit }) => ({
      admit: (request, session) => {
        admit(request, session)
        if (request.method !== 'driver/ping' || session.calls.size < 5) return
        throw new ConetError('overloaded', 'driver/ping: too much is under way')
      },
    })),
  },
  {
    name: 'healthyAnyway',
    does: 'is healthy while one of its checks is not',
    fails: ['health.probe'],
    change: method('driver/probe', () => async () => ({
      healthy: true,
      checks: [{ name: 'cages', ok: false, message: 'one is open' }],
    })),
  },
  {
    name: 'probesByDoing',
    does: 'makes a network to see whether it can, and leaves it',
    fails: ['health.probe'],
    change: (good) => {
      let probes = 0
      const making = method('driver/probe', (probe) => (params, call) => {
        probes += 1
        call.session.driver.records.networks.set(String(probes).padStart(64, '0'), 'nothing')
        return probe(params, call)
      })
      return making(good)
    },
  },
]
