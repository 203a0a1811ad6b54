// Looks after drivers that the host has started and that are alive, but say nothing: hung, or with no socket that
// anybody could find. Such a one is ended, and its supervisor starts it anew; the kernel keeps what it has made.
import type { Renewal, SupervisedState } from './supervised-driver.ts'

export type QuietDriversOptions = {
  readonly supervisor: {
    names(): string[]
    stateOf(name: string): SupervisedState | undefined
    renew(name: string, renewal: Renewal): Promise<void>
  }
  /** Whether the driver at that name's own socket has said anything since that time (`Date.now()`). */
  hasAnsweredSince(name: string, sinceMs: number): boolean
  /** It is about to be ended. */
  onRenewal(name: string, pid: number, why: string): void
  onError(error: unknown): void
  readonly timing?: Partial<QuietTiming>
}

export type QuietTiming = {
  readonly lookMs: number
  /** So long without a word. */
  readonly mostQuietMs: number
  /** For one that has just been started, until its first word. */
  readonly mostStartMs: number
  /** Where somebody asks for it. */
  readonly mostQuietWhenAskedMs: number
}

/** As docs/operating.md tells it. */
const defaultTiming: QuietTiming = {
  lookMs: 1_000,
  mostQuietMs: 30_000,
  mostStartMs: 120_000,
  mostQuietWhenAskedMs: 5_000,
}

/** Looks are counted, not time: a host that was stopped itself has missed what a driver said meanwhile. */
type Quiet = { readonly pid: number; looks: number; hasSpoken: boolean; isEnded: boolean }

export class QuietDrivers implements Disposable {
  readonly #options: QuietDriversOptions
  readonly #timing: QuietTiming
  readonly #quiet = new Map<string, Quiet>()
  readonly #renewing = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #lookedMs = Date.now()

  constructor(options: QuietDriversOptions) {
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
  }

  /** Looks from now on, until it is disposed. */
  start(): void {
    this.#lookedMs = Date.now()
    this.#timer ??= setInterval(() => this.#look(), this.#timing.lookMs)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** Somebody wants it to work: ends it sooner if it has said nothing for a while. */
  async renewIfQuiet(name: string): Promise<void> {
    const found = this.#quiet.get(name)
    if (found === undefined || !this.#isPatienceOver(found, this.#timing.mostQuietWhenAskedMs)) return
    await this.#renew(name, found)
  }

  #look(): void {
    const sinceMs = this.#lookedMs
    this.#lookedMs = Date.now()
    const names = this.#options.supervisor.names()
    for (const known of this.#quiet.keys()) if (!names.includes(known)) this.#quiet.delete(known)
    for (const name of names) this.#lookAt(name, sinceMs)
  }

  #lookAt(name: string, sinceMs: number): void {
    const state = this.#options.supervisor.stateOf(name)
    if (state?.state !== 'running') {
      this.#quiet.delete(name)
      return
    }
    const { pid, adopted } = state
    const before = this.#quiet.get(name)
    const found = before?.pid === pid ? before : { pid, looks: -1, hasSpoken: adopted, isEnded: false }
    this.#quiet.set(name, found)
    found.looks += 1
    if (this.#options.hasAnsweredSince(name, sinceMs)) Object.assign(found, { looks: 0, hasSpoken: true })
    if (!this.#isPatienceOver(found, this.#timing.mostQuietMs)) return
    void this.#renew(name, found).catch(this.#options.onError)
  }

  #isPatienceOver({ looks, hasSpoken, isEnded }: Quiet, mostQuietMs: number): boolean {
    const { lookMs, mostStartMs } = this.#timing
    // Its supervisor may take a second to see that.
    if (isEnded) return false
    return looks * lookMs >= (hasSpoken ? mostQuietMs : mostStartMs)
  }

  async #renew(name: string, found: Quiet): Promise<void> {
    if (this.#renewing.has(name)) return
    this.#renewing.add(name)
    const { supervisor, onRenewal } = this.#options
    const { pid, looks } = found
    const why = `it had not answered for ${Math.round((looks * this.#timing.lookMs) / 1_000)} s`
    try {
      onRenewal(name, pid, why)
      await supervisor.renew(name, { pid, why })
      found.isEnded = true
    } finally {
      found.looks = 0
      this.#renewing.delete(name)
    }
  }
}
