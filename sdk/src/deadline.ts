// Time limits. AbortSignal.any is not used: on Node 20 it keeps memory for as long as the outer signal lives.
import { ConetError } from './errors/index.ts'
import { onAbort } from './on-abort.ts'

/** A signal with a timer behind it, to be disposed. */
export type Deadline = Disposable & {
  readonly signal: AbortSignal
  /**
   * Grants `timeoutMs` milliseconds from now, if that is later than what was granted before. May be repeated; does
   * nothing once the signal has aborted.
   */
  extend(timeoutMs: number): void
}

/**
 * A signal that aborts with `outer`, or after `timeoutMs` milliseconds with `deadlineExceeded`, whichever is first.
 * Dispose it when the work is done, once or more: it owns a timer, which keeps the process alive. `what` opens the error's message.
 */
export function deadline(timeoutMs: number, what: string, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const since = performance.now()
  let allowedMs = timeoutMs
  const expire = () => {
    const error = new ConetError('deadlineExceeded', `${what}: no answer within ${Math.round(allowedMs)} ms`)
    controller.abort(error)
  }
  let timer = setTimeout(expire, timeoutMs)
  const abort = () => controller.abort(outer?.reason)
  if (outer?.aborted) abort()
  const outerListener = outer && onAbort(outer, abort)
  return {
    signal: controller.signal,
    extend(grantedMs) {
      const allowed = performance.now() - since + grantedMs
      if (controller.signal.aborted || allowed <= allowedMs) return
      allowedMs = allowed
      clearTimeout(timer)
      timer = setTimeout(expire, grantedMs)
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      outerListener?.[Symbol.dispose]()
    },
  }
}
