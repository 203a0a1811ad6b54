// One request under way: how it is given up, and how its end becomes the one outcome.
import type { CallMeta } from '@conet/sdk'
import { ConetError } from '@conet/sdk'
import { errorToWire, type MessageId, type ReplyError } from '@conet/sdk/jsonrpc'
import type { Session } from './session.ts'

export type Outcome = { readonly result: unknown } | { readonly error: ReplyError }

export type Request = {
  readonly id: MessageId
  readonly method: string
  /** As they came: right or wrong. */
  readonly params: unknown
}

export class Call {
  readonly session: Session
  readonly request: Request
  readonly #giveUp = new AbortController()
  meta: CallMeta = { operationId: 'none', attempt: 1, timeoutMs: 30_000 }

  constructor(session: Session, request: Request) {
    this.session = session
    this.request = request
  }

  get signal(): AbortSignal {
    return this.#giveUp.signal
  }

  giveUp(kind: 'cancelled' | 'deadlineExceeded', why: string): void {
    const { method } = this.request
    this.#giveUp.abort(new ConetError(kind, `${method}: ${why}`, { operationState: 'not-started' }))
  }

  /** The outcome of `work`, or of its being given up if that is first. Never rejects. */
  async outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
    const { signal } = this
    let stop = () => {}
    const givenUp = new Promise<never>((_resolve, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop)
    })
    const running = work()
    // After it was given up nobody hears how it ended.
    running.catch(() => undefined)
    try {
      return { result: await Promise.race([running, givenUp]) }
    } catch (error) {
      return { error: errorToWire(error) }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}
