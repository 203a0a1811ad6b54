// Waiting for what may take too long.
import { deadline } from '@conet/sdk'

/** False when the time is up first; the work goes on. */
export async function endsWithin(what: string, work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  using limit = deadline(timeoutMs, what)
  return await Promise.race([
    work.then(() => true),
    new Promise<false>((resolve) => limit.signal.addEventListener('abort', () => resolve(false))),
  ])
}
