// Work that is waited for no longer than its time, and not after the user has had enough.
import { Violation } from '../checks/verdicts.ts'

type Patience = { readonly ms: number; readonly what: string; readonly signal?: AbortSignal | undefined }

/**
 * Rejects with a Violation when the time is over, and with the signal's reason. The work itself goes on; it ends with the
 * connections that it uses, and nobody waits for it.
 */
export async function within({ ms, what, signal }: Patience, work: Promise<void>): Promise<void> {
  let end = () => {}
  const given = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Violation(`${what} did not end within ${ms} ms`)), ms)
    const onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  })
  work.catch(() => undefined)
  try {
    await Promise.race([work, given])
  } finally {
    end()
  }
}
