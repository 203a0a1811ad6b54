// Where a session stands, and since when: takes the steps of session-state.ts and tells of those that lead elsewhere.
import { isConnected, nextState, type SessionState, type SessionStep } from './session-state.ts'

export class SessionProgress {
  readonly #onChange: () => void
  #state: SessionState = 'dialing'
  #since = new Date()
  #missedMs = 0

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  get state(): SessionState {
    return this.#state
  }

  get since(): Date {
    return this.#since
  }

  step(step: SessionStep): void {
    const next = nextState(this.#state, step)
    if (next === this.#state) return
    this.#state = next
    this.#since = new Date()
    this.#onChange()
  }

  /** A call was not answered within its time. It may be missed in the same moment as the connection ends: no news. */
  missed(): void {
    if (!isConnected(this.#state)) return
    this.#missedMs = performance.now()
    this.step('missed')
  }

  /** Only what was sent after the miss shows that the driver is back. */
  answered(sentMs: number): void {
    if (this.#state === 'degraded' && sentMs > this.#missedMs) this.step('answered')
  }
}
