// Waits for a condition instead of a time.
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `check` until it neither throws nor returns false, and resolves to what it returned. After `timeoutMs` it
 * fails with what the check said last.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 5_000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const failure = await attempt(check)
    if ('value' in failure) return failure.value
    if (performance.now() > end) throw failure.error
    await sleep(everyMs)
  }
}

async function attempt<T>(check: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    const value = await check()
    return value === false ? { error: new Error('the condition did not become true') } : { value }
  } catch (error) {
    return { error }
  }
}
