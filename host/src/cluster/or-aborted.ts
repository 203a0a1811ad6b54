// Work that many wait for is not ended because one of them goes.
import { onAbort } from '@conet/sdk'

/** Settles as the work, or rejects when the signal aborts; the work itself goes on. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const listener = onAbort(signal, () => reject(signal.reason))
    void work.then(resolve, reject).finally(() => listener[Symbol.dispose]())
  })
}
