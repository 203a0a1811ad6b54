// Time limits. AbortSignal.any is not used: on Node 20 it keeps memory for as long as the outer signal lives.
import { ConetError } from './errors/index.ts'

/** A signal with a timer behind it, to be disposed. */
export type Deadline = Disposable & { readonly signal: AbortSignal }

/**
 * A signal that aborts with `outer`, or after `timeoutMs` with `deadlineExceeded`, whichever is first.
 * Dispose it when the work is done: it owns a timer. `what` opens the error's message.
 */
export function deadline(timeoutMs: number, what: string, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(new ConetError('deadlineExceeded', `${what}: no answer within ${timeoutMs} ms`))
  }, timeoutMs)
  const abort = () => controller.abort(outer?.reason)
  if (outer?.aborted) abort()
  outer?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', abort)
    },
  }
}
