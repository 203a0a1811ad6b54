// A lease of etcd, kept alive three times in its life, each time by a member that answers: where one does not there is time
// for two more.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError, onAbort } from '@conet/sdk'
import { clusterError } from './etcd-errors.ts'
import type { Connected } from './etcd-requests.ts'
import type { Lease } from './shared-store.ts'

type Choose = (withinMs: number) => Promise<Connected>
type Wish = { ttlSeconds: number; signal: AbortSignal; timeoutMs: number }
type Held = Wish & { readonly id: string; readonly choose: Choose; connected: Connected }

const againMs = 100

export async function holdLease(choose: Choose, wish: Wish): Promise<Lease> {
  const { ttlSeconds, signal, timeoutMs } = wish
  signal.throwIfAborted()
  const connected = await choose(timeoutMs / 2)
  try {
    const call = { deadline: Date.now() + timeoutMs }
    const { ID: id } = await connected.client.leaseClient.leaseGrant({ TTL: ttlSeconds }, call)
    const held = { ...wish, id, choose, connected }
    // The keys go with it, unless etcd is away: then they go when its time is up.
    onAbort(signal, () => void revoke(held))
    return { id, lost: keep(held) }
  } catch (error) {
    throw await connected.failure('take a lease of the shared store', error)
  }
}

async function revoke({ id, connected, timeoutMs }: Held): Promise<void> {
  const call = { deadline: Date.now() + timeoutMs }
  await connected.client.leaseClient.leaseRevoke({ ID: id }, call).catch(() => undefined)
}

/** Resolves when it is kept no longer: with why, or undefined after the signal's end. */
async function keep(held: Held): Promise<Error | undefined> {
  const { ttlSeconds, signal } = held
  const { replaced } = held.connected
  const ended = new AbortController()
  using _end = onAbort(signal, () => ended.abort())
  using _replaced = onAbort(replaced, () => ended.abort())
  const lost = await untilLost(held, (ttlSeconds * 1_000) / 3, ended.signal)
  if (signal.aborted) return undefined
  return replaced.aborted ? takenOver() : lost
}

async function untilLost(held: Held, eachMs: number, ended: AbortSignal): Promise<Error | undefined> {
  let heardAt = performance.now()
  let nextMs = eachMs
  while (!ended.aborted) {
    await sleep(nextMs, undefined, { signal: ended, ref: false }).catch(() => undefined)
    if (ended.aborted) return undefined
    try {
      if ((await keepOnce(held)) === 0) return lostLease(held)
      heardAt = performance.now()
      nextMs = eachMs
    } catch (error) {
      // An etcd that was away gives each lease its whole time again.
      if (performance.now() - heardAt > 2_000 * held.ttlSeconds) return unkeptLease(held, error)
      nextMs = againMs
    }
  }
  return undefined
}

/** How many seconds it has from now on. */
async function keepOnce(held: Held): Promise<number> {
  const mostMs = held.ttlSeconds * 200
  held.connected = await held.choose(mostMs)
  const { client, answered, failure } = held.connected
  const stream = await client.leaseClient.leaseKeepAlive({ deadline: Date.now() + mostMs })
  try {
    const seconds = await new Promise<number>((resolve, reject) => {
      stream
        .on('data', ({ TTL }) => resolve(Number(TTL)))
        .on('error', reject)
        .on('end', () => reject(new Error('etcd ended the stream of the lease')))
      stream.write({ ID: held.id })
    })
    answered()
    stream.end()
    return seconds
  } catch (error) {
    // Not from within what the connection has just received: see the watch.
    setImmediate(() => stream.cancel())
    throw await failure('keep the lease of this host in the shared store', error, 0)
  }
}

function unkeptLease({ connected }: Held, cause: unknown): ConetError {
  return clusterError('keep the lease of this host in the shared store', connected.options, cause)
}

function lostLease({ ttlSeconds }: Held): ConetError {
  const message = `the lease of this host is gone: etcd has not heard of it for ${ttlSeconds} seconds, or somebody has revoked it`
  return new ConetError('clusterUnavailable', message, { help: 'it takes a new one as soon as etcd answers' })
}

function takenOver(): ConetError {
  const message = 'the lease of this host is left: what it shows to etcd has changed'
  return new ConetError('clusterUnavailable', message, { help: 'nothing: it takes a new one at once' })
}
