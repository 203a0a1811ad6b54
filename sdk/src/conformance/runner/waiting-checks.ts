// Checks that mostly wait: begun before the others, on connections of their own, so that a run does not wait for each.
// Only a pass counts. Anything else may be the doing of a check beside it, and is looked at again, alone.
import type { ActiveCheck } from '../checks/check.ts'
import type { Target } from '../target/target.ts'

type Attempt<T> = { readonly ending: Promise<T>; readonly pid: number | undefined }

export class WaitingChecks<T extends { readonly status: string }> {
  readonly #attempts = new Map<ActiveCheck, Attempt<T>>()
  readonly #end = new AbortController()
  readonly #target: Target

  constructor(target: Target) {
    this.#target = target
  }

  /** `run` never rejects, and ends soon after the signal. */
  begin(checks: readonly ActiveCheck[], run: (check: ActiveCheck, signal: AbortSignal) => Promise<T>): void {
    const pid = this.#target.process?.pid
    for (const check of checks) this.#attempts.set(check, { ending: run(check, this.#end.signal), pid })
  }

  /** Undefined for a check that is still to be run: not begun, not passed, or begun with a process that is gone. */
  async passOf(check: ActiveCheck): Promise<T | undefined> {
    const attempt = this.#attempts.get(check)
    if (attempt === undefined) return undefined
    this.#attempts.delete(check)
    const ending = await attempt.ending
    const { process } = this.#target
    const isSameDriver = process === undefined || (process.isAlive && process.pid === attempt.pid)
    return ending.status === 'pass' && isSameDriver ? ending : undefined
  }

  /** Resolves when none waits any more: from then on the driver may be ended. */
  async settled(): Promise<void> {
    await Promise.all([...this.#attempts.values()].map(({ ending }) => ending))
  }

  /** None of them has begun. */
  async giveUp(): Promise<void> {
    this.#end.abort(new Error('the run goes on without it'))
    await this.settled()
    this.#attempts.clear()
  }
}
