// What may be others' is taken only from a store that is whole: after a loss hosts put back first what they have, and all
// wait for each other, for a while. Nothing is asked for it as long as nothing was lost: the conditions of the transaction
// that takes it say so.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError, deadline } from '@conet/sdk'
import { Backoff } from '../retry/backoff.ts'
import { keys } from './keys.ts'
import { orAborted } from './or-aborted.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'
import type { StoreContinuity } from './store-continuity.ts'

export type ClaimGateOptions = {
  readonly store: Pick<SharedStore, 'get'>
  readonly continuity: Pick<StoreContinuity, 'generation' | 'awaited' | 'doubt' | 'hearOfLoss'>
  /** Resolves when the store is known to be whole, or what this node has is put back. */
  assure(): Promise<void>
  /** How long one who wants something waits; others may have to come back in this time. */
  readonly waitMs?: number
}

export type ClaimGateAccess = Pick<ClaimGate, 'run'>

/** The time of a client, not that in which all hosts come back. */
const defaultWaitMs = 10_000

/** The conditions do not hold: the store is another one, or others may put back what they have. Not for clients. */
export class GateShut extends Error {}

/** After a transaction was refused. Throws `GateShut`. */
export async function assertOpen(
  store: Pick<SharedStore, 'commit'>,
  gate: readonly Condition[],
  limits: CallLimits,
): Promise<void> {
  if (gate.length > 0 && !(await store.commit(gate, [], limits)).committed) throw new GateShut()
}

export class ClaimGate {
  readonly #options: Required<ClaimGateOptions>

  constructor(options: ClaimGateOptions) {
    this.#options = { waitMs: defaultWaitMs, ...options }
  }

  /**
   * Runs `work`, each of whose transactions has the conditions; again, as long as that throws `GateShut`, since they did not
   * hold. `what` opens the message of the `clusterUnavailable` that is thrown when that takes too long.
   */
  async run<T>(
    what: string,
    work: (conditions: readonly Condition[]) => Promise<T>,
    { signal: outer }: CallLimits,
  ): Promise<T> {
    using limit = deadline(this.#options.waitMs, what, outer)
    const backoff = new Backoff({ firstMs: 50, mostMs: 1_000 })
    let conditions = this.#fromMemory()
    for (;;) {
      try {
        conditions ??= await this.#open(limit.signal, backoff)
      } catch (cause) {
        outer?.throwIfAborted()
        throw limit.signal.aborted ? this.#shutTooLong(what, cause) : saying(what, cause)
      }
      try {
        return await work(conditions)
      } catch (error) {
        if (!(error instanceof GateShut)) throw error
        this.#options.continuity.doubt()
        conditions = undefined
        await sleep(backoff.nextMs(), undefined, { signal: limit.signal }).catch(() => undefined)
      }
    }
  }

  /** As if nobody were awaited: if it is not so the store says so. */
  #fromMemory(): readonly Condition[] | undefined {
    const { generation, awaited } = this.#options.continuity
    if (generation === undefined) return undefined
    return conditionsOf(generation, { areAllBack: awaited?.missing.length === 0 })
  }

  /** Resolves when the store is whole, and nobody is awaited any more; throws what the store throws. */
  async #open(signal: AbortSignal, backoff: Backoff): Promise<readonly Condition[]> {
    const { store, continuity, assure } = this.#options
    for (;;) {
      if (continuity.generation === undefined) {
        // One that does not answer says so at once: nothing is known to be lost then.
        await store.get(keys.generation, { signal })
        await orAborted(assure(), signal)
      }
      const { generation, awaited } = continuity
      if (generation !== undefined) {
        const areAllBack = (await awaited?.areBack({ signal })) ?? false
        const isAwaiting = !areAllBack && (await store.get(keys.awaiting, { signal })) !== undefined
        if (!isAwaiting) return conditionsOf(generation, { areAllBack })
        continuity.hearOfLoss()
      }
      await sleep(backoff.nextMs(), undefined, { signal })
    }
  }

  #shutTooLong(what: string, cause: unknown): ConetError {
    const names = this.#options.continuity.awaited?.missing.map(({ name }) => name) ?? []
    const whom = names.length === 0 ? 'hosts that it knew' : names.slice(0, mostNamed).join(', ')
    return new ConetError(
      'clusterUnavailable',
      `${what}: the shared store has lost what it held, and ${whom} may still have to put back what is theirs`,
      {
        cause,
        operationState: 'not-started',
        details: { awaited: names },
        help: 'try again: it goes on when they are back, or when cluster.await_hosts_ms has passed; conet node list shows who is; one that is gone for good is not waited for after: conet node rm NAME --fenced',
      },
    )
  }
}

const mostNamed = 5

/** The store was asked about itself, which is not what somebody wanted. */
function saying(what: string, cause: unknown): unknown {
  if (!ConetError.is(cause, 'clusterUnavailable')) return cause
  const { message, help, details } = cause
  return new ConetError('clusterUnavailable', `${what}: ${message}`, {
    cause,
    operationState: 'not-started',
    details: { ...details },
    ...(help !== undefined && { help }),
  })
}

/** Who has not seen himself that all are back depends on nobody being awaited. */
function conditionsOf(generation: string, { areAllBack }: { areAllBack: boolean }): Condition[] {
  const same: Condition = { is: keys.generation, value: generation }
  return areAllBack ? [same] : [same, { absent: keys.awaiting }]
}
