// Drivers that tell the host wrongly how far they are.
import type { Call } from '../call.ts'
import { isJsonObject } from '../wire.ts'
import { type Mutation, parts } from './mutation.ts'

export const progressMutations: readonly Mutation[] = [
  {
    name: 'tokenOfItsOwn',
    does: 'sends progress with a token that it has made up',
    shownBy: ['network'],
    fails: ['transcript.progress-token'],
    change: tells((call, tell) => tell(call, `zoo-${call.meta.operationId}`, 50)),
  },
  {
    name: 'progressAfterTheEnd',
    does: 'sends progress on a call that it has answered',
    shownBy: ['network', 'handshake'],
    fails: ['transcript.progress-token'],
    // On a call that comes before initialize, which is refused.
    spoils: ['transcript.silent-before-initialized'],
    change: parts(({ answer }) => ({
      answer: (session, request, outcome) => {
        answer(session, request, outcome)
        const token = tokenOf(request.params)
        if (token !== undefined) session.notify('$/progress', { token, message: 'done', percentage: 100 })
      },
    })),
  },
  {
    name: 'goesBackwards',
    does: 'tells of less progress than before',
    shownBy: ['network'],
    fails: ['transcript.progress-rises'],
    change: tells((call, tell) => {
      tell(call, call.meta.progressToken, 80)
      tell(call, call.meta.progressToken, 20)
    }),
  },
]

function tokenOf(params: unknown): unknown {
  const meta = isJsonObject(params) ? params._meta : undefined
  return isJsonObject(meta) ? meta.progressToken : undefined
}

type Tell = (call: Call, token: string | undefined, percentage: number) => void

function tells(say: (call: Call, tell: Tell) => void): Mutation['change'] {
  const tell: Tell = ({ session }, token, percentage) => {
    if (token !== undefined) session.notify('$/progress', { token, message: 'at work', percentage })
  }
  return parts(() => ({
    work: async (call) => {
      call.signal.throwIfAborted()
      say(call, tell)
    },
  }))
}
