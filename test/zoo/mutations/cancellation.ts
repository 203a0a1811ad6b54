// Drivers that do not stop, or do not say so, when the host gives a call up.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import { isMessageId } from '../envelope.ts'
import { isJsonObject } from '../wire.ts'
import { type Mutation, method, parts } from './mutation.ts'

const cancelled = 1202
const deadlineExceeded = 1201

export const cancellationMutations: readonly Mutation[] = [
  {
    name: 'closesOnStrayCancels',
    does: 'ends a connection on which a cancel of nothing comes',
    fails: ['cancel.consistent', 'cancel.next-call', 'cancel.nothing', 'transcript.answered'],
    change: parts(({ hear }) => ({
      hear: (session, method, params) => {
        const id = isJsonObject(params) ? params.id : undefined
        const isKnown = isMessageId(id) && session.calls.has(id)
        if (method === '$/cancelRequest' && !isKnown) session.socket.destroy()
        else hear(session, method, params)
      },
    })),
  },
  {
    name: 'silentOnCancel',
    does: 'does not answer calls that were cancelled',
    fails: ['cancel.answered', 'cancel.consistent', 'cancel.next-call', 'transcript.answered'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (!('error' in outcome) || outcome.error.code !== cancelled) answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'goesOnAfterCancel',
    does: 'says of a cancelled call that nothing was done, and does it',
    fails: ['cancel.consistent'],
    change: parts(({ workMs }) => ({ work: () => sleep(workMs) })),
  },
  {
    name: 'cancelsTheNext',
    does: 'gives up the next create of a network, too, when one is cancelled',
    fails: ['calls.lost-connection', 'cancel.next-call', 'deadline.tiny'],
    change: (good) => {
      const givenUp = new Set<string>()
      const watching = method('network/create', (create) => async (params, call) => {
        const { id } = params.network
        if (givenUp.delete(id)) throw new ConetError('cancelled', `create network ${id}: given up`)
        call.signal.addEventListener('abort', () => givenUp.add(id))
        return create(params, call)
      })
      return watching(good)
    },
  },
  {
    name: 'cancelsWhatIsLate',
    does: 'answers cancelled in the place of deadlineExceeded',
    fails: ['deadline.tiny'],
    change: parts(() => ({
      limit: (call) => {
        const timer = setTimeout(() => call.giveUp('cancelled', 'it took too long'), call.meta.timeoutMs)
        return { [Symbol.dispose]: () => clearTimeout(timer) }
      },
    })),
  },
  {
    name: 'lateToBeLate',
    shownBy: ['deadline'],
    does: 'says half a second after its time that a call is late',
    fails: ['transcript.deadline'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        const isLate = 'error' in outcome && outcome.error.code === deadlineExceeded
        if (isLate) setTimeout(() => answer(session, request, outcome), 600)
        else answer(session, request, outcome)
      },
    })),
  },
]
