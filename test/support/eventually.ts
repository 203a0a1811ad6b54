// Waits for a condition instead of a time.
import { setTimeout as sleep } from 'node:timers/promises'

/** A machine that runs other tests beside, and is shared itself, may be so many times as slow. */
const slowness = 3

/** Who has waited long asks less often, and nobody asks for longer than they wait: what they wait for needs the processor. */
const mostPauseMs = 100
const pauseInWaited = 1 / 20

/**
 * Runs `check` until it neither throws nor returns false, and resolves to what it returned. After three times `timeoutMs`, which is
 * how long it may take on a machine that does nothing else, it fails with what the check said last.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const begin = performance.now()
  for (;;) {
    const asked = performance.now()
    const failure = await attempt(check)
    if ('value' in failure) return failure.value
    const now = performance.now()
    if (now - begin > slowness * timeoutMs) throw failure.error
    const pauseMs = Math.max(now - asked, (now - begin) * pauseInWaited)
    await sleep(Math.max(everyMs, Math.min(pauseMs, mostPauseMs)))
  }
}

/** What `read` says once it has said the same for `forMs`. */
export async function settled<T>(read: () => T, { forMs = 200 } = {}): Promise<T> {
  let said = read()
  let since = performance.now()
  return await eventually(() => {
    const now = read()
    if (JSON.stringify(now) !== JSON.stringify(said)) {
      said = now
      since = performance.now()
    }
    if (performance.now() - since < forMs) throw new Error(`it has not settled: ${JSON.stringify(now)}`)
    return now
  })
}

async function attempt<T>(check: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    const value = await check()
    return value === false ? { error: new Error('the condition did not become true') } : { value }
  } catch (error) {
    return { error }
  }
}
