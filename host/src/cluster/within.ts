// Patience of who asks, which is not the end of what was asked.
import { setTimeout as sleep } from 'node:timers/promises'

/** Undefined: it takes longer, and goes on. */
export async function within<T>(timeMs: number, work: Promise<T> | undefined): Promise<T | undefined> {
  const done = new AbortController()
  const over = sleep(Math.max(0, timeMs), undefined, { signal: done.signal }).catch(() => undefined)
  try {
    return await Promise.race([work, over])
  } finally {
    done.abort()
  }
}
