// What is this node's, and somebody else has in the store, is asked for until he lets it go. Who has the same may do so soon.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Backoff } from '../retry/backoff.ts'
import type { CallLimits } from './shared-store.ts'

/** What somebody else has in the store, of a network. */
export type PutBackConflict = { readonly networkId: string; readonly what: string }

/**
 * Writes to the store what this node has and the store has not: all, or that of certain networks alone. Resolves to what
 * others have there. May be repeated.
 */
export type PutBackWork = (
  limits: CallLimits,
  networkIds?: ReadonlySet<string>,
) => Promise<readonly PutBackConflict[]>

const retryMs = { firstMs: 500, mostMs: 10_000 }

/** Until nobody has anything of these networks that is this node's, or the signal aborts. `found` hears what is left. Never rejects. */
export async function putBackAgain(
  networkIds: ReadonlySet<string>,
  { putBack, found, log }: { putBack: PutBackWork; found: Found; log: Pick<Logger, 'debug'> },
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(retryMs)
  for (let left = networkIds; left.size > 0; ) {
    await sleep(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return
    try {
      const conflicts = await putBack({ signal }, left)
      if (signal.aborted) return
      found(conflicts)
      left = networksOf(conflicts)
    } catch (err) {
      log.debug({ err }, 'cluster: what is this node’s is not put back yet')
    }
  }
}

type Found = (conflicts: readonly PutBackConflict[]) => void

export function networksOf(conflicts: readonly PutBackConflict[]): Set<string> {
  return new Set(conflicts.map(({ networkId }) => networkId))
}
