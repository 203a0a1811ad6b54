// Drivers that do not make way.
import type { Session } from '../session.ts'
import { type Mutation, method } from './mutation.ts'

export const drainMutations: readonly Mutation[] = [
  {
    name: 'ignoresDrains',
    does: 'goes on creating and plugging after a drain',
    fails: ['drain.refuses'],
    change: method('driver/drain', (drain) => async (params, call) => {
      const answer = await drain(params, call)
      call.session.driver.isDraining = false
      return answer
    }),
  },
  {
    name: 'drainedForOneHost',
    does: 'is taken back by the connection on which it was drained, and by no other',
    fails: ['drain.ended-by-sync'],
    change: (good) => {
      let drainer: Session | undefined
      const { methods } = good
      return {
        ...good,
        methods: {
          ...methods,
          'driver/drain': (params, call) => {
            drainer = call.session
            return methods['driver/drain'](params, call)
          },
          'driver/sync': async (page, call) => {
            const { driver } = call.session
            const isStillDrained = driver.isDraining && drainer !== call.session
            const answer = await methods['driver/sync'](page, call)
            driver.isDraining = isStillDrained
            return answer
          },
        },
        closed: (session) => {
          if (session === drainer) session.driver.isDraining = false
          good.closed(session)
        },
      }
    },
  },
]
