// One loss of what the store held, from when it is found out until it is mended: what this node has is put back, others are
// awaited and spoken for, and what others have of it is asked for again. The next loss ends it.
import { setTimeout as sleep } from 'node:timers/promises'
import { onAbort } from '@conet/sdk'
import type { Logger } from 'pino'
import type { StoreReplaced } from '../domain/store-replaced.ts'
import { Backoff } from '../retry/backoff.ts'
import type { AwaitedNodes } from './awaited-nodes.ts'
import { networksOf, type PutBackConflict, type PutBackWork, putBackAgain } from './put-back-again.ts'
import type { SharedNode } from './records.ts'
import type { CallLimits } from './shared-store.ts'

export type StoreLossOptions = {
  /** After a loss: how long others are waited for that have not put back what they have. */
  readonly awaitMs: number
  /** For so long at least it is told that the store has lost something. */
  readonly shownMs?: number | undefined
  readonly log: Logger
  readonly putBack: PutBackWork
  /** The same of what nodes had, as far as this one knows it, that are not back. May be repeated. */
  speakFor(absent: readonly SharedNode[], limits: CallLimits): Promise<void>
}

const defaultShownMs = 60_000
/** Of that time: how often it is asked, also for who is back. */
const mendedParts = { first: 1 / 12, most: 1 / 2 }

/** Others speak for who is not back by then: long before nobody is awaited any more. */
const silenceMs = 5_000
const silencePart = 1 / 6
/** Not all of them at once: the first one does it. */
const spread = 0.5
const speakAgainMs = { firstMs: 100, mostMs: 2_000 }

export class StoreLoss {
  readonly since: string
  /** Undefined: this node knows of nobody. */
  readonly awaited: AwaitedNodes | undefined
  readonly #options: StoreLossOptions
  readonly #ending = new AbortController()
  #conflicts: readonly PutBackConflict[] = []
  #isPutBack = false

  constructor(options: StoreLossOptions, { since, awaited }: Pick<StoreLoss, 'since' | 'awaited'>) {
    this.#options = options
    this.since = since
    this.awaited = awaited
  }

  /** All that this node has was looked at since. */
  get isPutBack(): boolean {
    return this.#isPutBack
  }

  get told(): StoreReplaced {
    const conflicts = this.#conflicts.map(({ what }) => what)
    return { since: this.since, isPutBack: this.#isPutBack, conflicts, missing: this.awaited?.named ?? [] }
  }

  /** May be repeated. Throws what the store throws. */
  async putBack(signal: AbortSignal): Promise<void> {
    const { log, putBack } = this.#options
    this.#conflicts = await putBack({ signal })
    this.#isPutBack = true
    const { conflicts } = this.told
    if (conflicts.length > 0)
      log.error({ conflicts }, 'cluster: others have in the shared store what is this node’s')
  }

  /** Does what is left when that is done. Resolves when all is mended, and was told for a while, or this was ended. */
  async mended(outer: AbortSignal): Promise<void> {
    const { signal } = this.#ending
    using _end = onAbort(outer, () => this.end())
    const found = (conflicts: readonly PutBackConflict[]) => {
      this.#conflicts = conflicts
    }
    void putBackAgain(networksOf(this.#conflicts), { ...this.#options, found }, signal)
    if (this.awaited !== undefined) void this.#speakForAbsent(this.awaited, signal)
    await this.#shown(signal)
    this.end()
  }

  /** Another loss has come. */
  end(): void {
    this.#ending.abort()
  }

  /** Whoever does not come back in time has at least what others know of him. */
  async #speakForAbsent(awaited: AwaitedNodes, signal: AbortSignal): Promise<void> {
    const { awaitMs, log, speakFor } = this.#options
    const backoff = new Backoff(speakAgainMs)
    const patienceMs = Math.min(silenceMs, awaitMs * silencePart)
    let waitMs = patienceMs * (1 + spread * Math.random())
    for (;;) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
      waitMs = backoff.nextMs()
      if (signal.aborted) return
      try {
        if (!(await awaited.areBack({ signal }))) await speakFor(awaited.missing, { signal })
        return
      } catch (err) {
        log.debug({ err }, 'cluster: nothing is said yet for nodes that are not back')
      }
    }
  }

  /** Who looks at the status soon after is to see what has happened. */
  async #shown(signal: AbortSignal): Promise<void> {
    const { shownMs = defaultShownMs } = this.#options
    const { first, most } = mendedParts
    const backoff = new Backoff({ firstMs: shownMs * first, mostMs: shownMs * most })
    const untilMs = performance.now() + shownMs
    for (;;) {
      await sleep(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      if ((await this.#isMended(signal)) && performance.now() >= untilMs) return
    }
  }

  async #isMended(signal: AbortSignal): Promise<boolean> {
    try {
      const areAllBack = (await this.awaited?.areBack({ signal })) ?? true
      return areAllBack && this.#conflicts.length === 0
    } catch {
      // It is asked again, and the store's being away is told elsewhere.
      return false
    }
  }
}
