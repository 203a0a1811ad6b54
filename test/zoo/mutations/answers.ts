// Drivers that answer in time and in place, and say what is not so, or not in the form it has.
import { type Mutation, method, parts } from './mutation.ts'

export const answerMutations: readonly Mutation[] = [
  {
    name: 'listWithoutMembers',
    does: 'answers network/list with {}',
    fails: [
      'socket.objects-outlive-connection',
      'rpc.many-in-flight',
      'handshake.call-before',
      'transcript.results',
    ],
    spoils: [
      'calls.bad-meta',
      'calls.in-order',
      'calls.lost-connection',
      'calls.overload',
      'calls.same-at-once',
      'calls.without-meta',
      'cancel.consistent',
      'drain.serves',
      'drain.waits',
      'health.probe',
      'model.objects',
      'model.plugs',
      'network.created',
      'network.deleted',
      'network.invalid',
      'network.repeated',
      'sync.empty',
      'sync.makes',
    ],
    change: method('network/list', () => async () => ({})),
  },
  {
    name: 'unknownCodes',
    does: 'has codes in its errors that no catalogue has',
    fails: ['handshake.twice', 'transcript.errors'],
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
    fails: ['handshake.version-not-echoed', 'peers.forgotten', 'peers.gap', 'transcript.errors'],
    spoils: ['endpoint.invalid', 'network.invalid', 'policy.no-endpoint'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (!('error' in outcome)) return answer(session, request, outcome)
        const { code, message } = outcome.error
        answer(session, request, { error: { code, message } })
      },
    })),
  },
  {
    name: 'anyLength',
    does: 'sends messages that are larger than the host takes',
    fails: ['framing.small-host', 'transcript.limit'],
    change: parts(() => ({
      answer: (session, { id }, outcome) => session.send({ jsonrpc: '2.0', id, ...outcome }),
    })),
  },
  {
    name: 'errorsWithStacks',
    does: 'tells the host where in its code an error arose',
    fails: ['transcript.no-inner-text'],
    shownBy: ['handshake'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        if (!('error' in outcome)) return answer(session, request, outcome)
        const { message } = outcome.error
        answer(session, request, { error: { ...outcome.error, message: `${new Error(message).stack}` } })
      },
    })),
  },
  {
    name: 'chatty',
    does: 'tells of its progress ten times in a row',
    fails: ['transcript.progress-pace'],
    shownBy: ['network'],
    change: method('network/create', (good) => async (params, call) => {
      const { progressToken: token } = call.meta
      const times = token === undefined ? 0 : 10
      for (let time = 0; time < times; time += 1)
        call.session.notify('$/progress', { token, message: 'on it' })
      return good(params, call)
    }),
  },
]
