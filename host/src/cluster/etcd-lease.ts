// A lease of etcd, kept alive by its client, three times in its life.
import { clusterError } from './etcd-errors.ts'
import type { Connected } from './etcd-requests.ts'
import type { Lease } from './shared-store.ts'

type Wish = { ttlSeconds: number; signal: AbortSignal; timeoutMs: number }

export async function holdLease(
  { client, endpoints }: Connected,
  { ttlSeconds, signal, timeoutMs }: Wish,
): Promise<Lease> {
  signal.throwIfAborted()
  const lease = client.lease(ttlSeconds, { deadline: Date.now() + timeoutMs })
  const lost = new Promise<Error | undefined>((resolve) => {
    lease.on('lost', resolve)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  try {
    const id = await lease.grant()
    // The keys go with it, unless etcd is away: then they go when its time is up.
    signal.addEventListener('abort', () => void lease.revoke().catch(() => undefined), { once: true })
    return { id, lost }
  } catch (error) {
    throw clusterError('take a lease of the shared store', endpoints, error)
  }
}
