// Those who wait for a change and look for themselves whether it is the one they wait for.
import { EventEmitter, once } from 'node:events'

export class ChangeWaits {
  readonly #changes = new EventEmitter().setMaxListeners(0)

  /** All who wait look again. */
  changed(): void {
    this.#changes.emit('change')
  }

  /** What `look` answers, now or after a change; undefined where it never did until the signal aborted. */
  async until<T>(signal: AbortSignal, look: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look()
      if (found !== undefined || signal.aborted) return found
      await once(this.#changes, 'change', { signal }).catch(ignoreAbort)
    }
  }
}

/** The loop around it looks at the signal itself. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
