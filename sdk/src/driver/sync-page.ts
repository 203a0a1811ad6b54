// One page of a sync while it is served: what of it differs or fails, how far it is, and the turn of each of its objects.
import type { Cancellation } from '../cancellation.ts'
import { ConetError } from '../errors/index.ts'
import type { CallMeta, PlugResult, SyncFailure, SyncResult } from '../protocol/index.ts'
import type { Place, Scope } from './call-order.ts'
import type { CallProgress } from './call-progress.ts'
import type { RequestContext } from './calls-under-way.ts'
import type { Call } from './driver.ts'
import type { Slots } from './slots.ts'
import type { Turn } from './turn.ts'

/** More words a second than this are not sent anyway, and making them costs as much as a small object. */
const pauseMs = 250

/** What the pages of one sync have named so far. */
export type Round = {
  readonly syncId: string
  /** From this moment on endpoints were named in it: `ToldObjects.listUnnamed`. */
  readonly since: number
  readonly networks: Set<string>
  readonly failedNetworks: Map<string, ConetError>
  /** Its own, so that a sync that hangs does not hold up the next. */
  readonly slots: Slots
}

export type Page = {
  readonly round: Round
  readonly result: SyncResult
  readonly context: RequestContext
  readonly progress: PageProgress
}

/** Makes an object of a page; resolves to the result of its plug, where there is one. */
type Make = (call: Call) => Promise<PlugResult | undefined>

/** One object of a page. A class, so that none of thousands needs functions of its own for what happens to it. */
export class PageTurn implements Turn {
  readonly what = 'driver/sync'
  readonly scope: Scope
  readonly place: Place
  readonly make: Make
  readonly meta: CallMeta
  readonly cancellation: Cancellation
  hasBegun = false
  /** Set when it was made. */
  plugged: PlugResult | undefined
  readonly #page: Page

  constructor(page: Page, { scope, place, make }: { scope: Scope; place: Place; make: Make }) {
    this.scope = scope
    this.place = place
    this.make = make
    this.meta = page.context.meta
    this.cancellation = page.context.cancellation
    this.#page = page
  }

  isRepair(): boolean {
    return true
  }

  before(): void {
    const { networkId, endpointId } = this.scope
    const cause = this.#page.round.failedNetworks.get(networkId)
    if (endpointId === undefined || cause === undefined) return
    throw new ConetError('failedPrecondition', `not tried, because its network failed: ${cause.message}`, {
      cause,
    })
  }

  ended(failure: ConetError | undefined): void {
    const { round, result, progress } = this.#page
    progress.step()
    if (failure === undefined) return
    result.failed.push(failed(this.scope, failure))
    // Noted before the endpoints of the network have their turn.
    if (this.scope.endpointId === undefined) round.failedNetworks.set(this.scope.networkId, failure)
  }

  repaired(what: string): void {
    this.#page.result.repaired.push(what)
  }

  progress(message: string): void {
    this.#page.progress.say(message)
  }
}

/** How far a page is; what its objects say of themselves has no percentage, since that is one object's. */
export class PageProgress {
  readonly #progress: CallProgress
  readonly #total: number
  #done = 0
  #nextMs = 0

  constructor(progress: CallProgress, total: number) {
    this.#progress = progress
    this.#total = total
  }

  step(): void {
    this.#done += 1
    const now = performance.now()
    if (now < this.#nextMs && this.#done < this.#total) return
    this.#nextMs = now + pauseMs
    const percentage = (100 * this.#done) / this.#total
    this.#progress.report(`${this.#done} of ${this.#total} objects`, percentage)
  }

  say(message: string): void {
    this.#progress.report(message)
  }
}

function failed(scope: Scope, { kind, message }: ConetError): SyncFailure {
  return { ...scope, error: { name: kind, message } }
}
