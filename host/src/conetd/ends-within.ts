// Waiting for what may take too long when conetd stops.
import { deadline } from '@conet/sdk'

/** False when the time is up first; the work goes on. */
export async function endsWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  using limit = deadline(timeoutMs, 'stop')
  return await Promise.race([
    work.then(() => true),
    new Promise<false>((resolve) => limit.signal.addEventListener('abort', () => resolve(false))),
  ])
}
