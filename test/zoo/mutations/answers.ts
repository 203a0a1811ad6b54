// Drivers that answer in time and in place, and say what is not so, or not in the form it has.
import { type Mutation, method, parts } from './mutation.ts'

export const answerMutations: readonly Mutation[] = [
  {
    name: 'listWithoutMembers',
    does: 'answers network/list with {}',
    fails: [],
    change: method('network/list', () => async () => ({})),
  },
  {
    name: 'unknownCodes',
    does: 'has codes in its errors that no catalogue has',
    fails: [],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if ('error' in outcome && outcome.error.code === 1305) {
          answer(session, request, { error: { ...outcome.error, code: 1399 } })
        } else answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'errorsWithoutData',
    does: 'has no data in its errors',
    fails: [],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (!('error' in outcome)) return answer(session, request, outcome)
        const { code, message } = outcome.error
        answer(session, request, { error: { code, message } })
      },
    })),
  },
  {
    name: 'errorsWithStacks',
    does: 'tells the host where in its code an error arose',
    fails: [],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (!('error' in outcome)) return answer(session, request, outcome)
        const { message } = outcome.error
        answer(session, request, { error: { ...outcome.error, message: `${new Error(message).stack}` } })
      },
    })),
  },
  {
    name: 'answersLate',
    does: 'works on, and answers, when the time of a call is over',
    fails: [],
    change: parts(() => ({ limit: () => ({ [Symbol.dispose]: () => undefined }), workMs: 400 })),
  },
]
