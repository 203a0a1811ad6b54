// A lease of etcd, kept alive by its client, three times in its life.
import { ConetError, onAbort } from '@conet/sdk'
import { EtcdLeaseInvalidError } from 'etcd3'
import { clusterError } from './etcd-errors.ts'
import type { EtcdOptions } from './etcd-identity.ts'
import type { Connected } from './etcd-requests.ts'
import type { Lease } from './shared-store.ts'

type Wish = { ttlSeconds: number; signal: AbortSignal; timeoutMs: number }

export async function holdLease(
  { client, options, replaced, failure }: Connected,
  { ttlSeconds, signal, timeoutMs }: Wish,
): Promise<Lease> {
  signal.throwIfAborted()
  const lease = client.lease(ttlSeconds, { deadline: Date.now() + timeoutMs })
  // A client outlives many leases: nothing of them is left with it.
  const listeners: Disposable[] = []
  const lost = new Promise<Error | undefined>((resolve) => {
    lease.on('lost', (cause) => resolve(lostLease(cause, { ttlSeconds, options })))
    listeners.push(onAbort(replaced, () => resolve(takenOver())))
    listeners.push(onAbort(signal, () => resolve(undefined)))
  })
  const forget = () => {
    for (const listener of listeners) listener[Symbol.dispose]()
  }
  void lost.then(forget)
  try {
    const id = await lease.grant()
    // The keys go with it, unless etcd is away: then they go when its time is up.
    onAbort(signal, () => void lease.revoke().catch(() => undefined))
    return { id, lost }
  } catch (error) {
    forget()
    throw await failure('take a lease of the shared store', error)
  }
}

function lostLease(
  cause: Error,
  { ttlSeconds, options }: { ttlSeconds: number; options: EtcdOptions },
): ConetError {
  if (!(cause instanceof EtcdLeaseInvalidError))
    return clusterError('keep the lease of this host in the shared store', options, cause)
  const message = `the lease of this host is gone: etcd has not heard of it for ${ttlSeconds} seconds, or somebody has revoked it`
  return new ConetError('clusterUnavailable', message, {
    cause,
    help: 'it takes a new one as soon as etcd answers',
  })
}

function takenOver(): ConetError {
  const message = 'the lease of this host is left: what it shows to etcd has changed'
  return new ConetError('clusterUnavailable', message, { help: 'nothing: it takes a new one at once' })
}
