// `driver/sync`, for every driver: what the host says should be is made so with the calls that every driver has and
// that may be repeated; what the driver has beyond it is named. One of these serves one connection.
import { ConetError } from '../errors/index.ts'
import type {
  DesiredEndpoint,
  EndpointRef,
  Network,
  PlugParams,
  PlugResult,
  SyncFailure,
  SyncParams,
  SyncResult,
} from '../protocol/index.ts'
import type { Scope } from './call-order.ts'
import type { CallProgress } from './call-progress.ts'
import type { CallRunner } from './call-runner.ts'
import { notBegun, type RequestContext } from './calls-under-way.ts'
import { checkedResult } from './checked-result.ts'
import type { Call } from './driver.ts'
import { Slots } from './slots.ts'
import type { Turn } from './turn.ts'

const maxAtOnce = 8
/** More words a second than this are not sent anyway, and making them costs as much as a small object. */
const pauseMs = 250

/** What the pages of one sync have named so far. */
type Round = {
  readonly syncId: string
  readonly networks: Set<string>
  readonly endpoints: Set<string>
  readonly failedNetworks: Map<string, ConetError>
  /** Its own, so that a sync that hangs does not hold up the next. */
  readonly slots: Slots
}

type Page = {
  readonly round: Round
  readonly result: SyncResult
  readonly context: RequestContext
  readonly progress: PageProgress
}

export class SyncSession {
  readonly #runner: CallRunner
  #round: Round | undefined

  constructor(runner: CallRunner) {
    this.#runner = runner
  }

  /** Names an object that the host asked for outside the pages: it is not unknown to it. */
  name({ networkId, endpointId }: { networkId: string; endpointId?: string }): void {
    this.#round?.networks.add(networkId)
    if (endpointId !== undefined) this.#round?.endpoints.add(endpointId)
  }

  /** Serves one page. All its objects take their places in the order of calls before this returns. */
  serve(params: SyncParams, context: RequestContext): Promise<SyncResult> {
    return this.#runner.timed('driver/sync', context, async (underWay) => {
      underWay.hasBegun = true
      const { progress } = underWay
      const { networks, endpoints } = params
      const page: Page = {
        round: this.#roundOf(params),
        result: emptyResult(),
        context,
        progress: new PageProgress(progress, networks.length + endpoints.length),
      }
      for (const { id } of networks) page.round.networks.add(id)
      for (const { endpointId } of endpoints) page.round.endpoints.add(endpointId)
      await Promise.all([
        ...networks.map((network) => this.#ensureNetwork(network, page)),
        ...endpoints.map((endpoint) => this.#ensureEndpoint(endpoint, page)),
      ])
      if (!params.more) await this.#findUnknown(page)
      return page.result
    })
  }

  #roundOf({ syncId }: SyncParams): Round {
    if (this.#round?.syncId !== syncId) {
      this.#round = {
        syncId,
        networks: new Set(),
        endpoints: new Set(),
        failedNetworks: new Map(),
        slots: new Slots(maxAtOnce),
      }
    }
    return this.#round
  }

  #ensureNetwork(network: Network, page: Page): Promise<void> {
    const { objects, peers } = this.#runner
    return this.#ensure({ networkId: network.id }, page, (call) => {
      objects.forgetNetwork(network.id)
      peers.forget(network.id)
      return objects.createNetwork(network, call)
    })
  }

  #ensureEndpoint(endpoint: DesiredEndpoint, page: Page): Promise<void> {
    const { objects } = this.#runner
    const { sandbox: _where, ...params } = endpoint
    const scope = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    return this.#ensure(scope, page, async (call) => {
      const wasIn = objects.forgetEndpoint(endpoint.endpointId)
      await objects.createEndpoint(params, call)
      if (!isToBePlugged(endpoint)) {
        await objects.unplug(scope, call)
        if (wasIn !== undefined) call.repaired(pluggedWrongly(scope, wasIn))
        return
      }
      const result = await this.#plugThere(endpoint, call)
      page.result.plugged.push({ ...scope, result: checkedResult('endpoint/plug', result) })
    })
  }

  /** What the author's code finds in another sandbox is taken out of it. */
  async #plugThere(params: PlugParams, call: Call): Promise<PlugResult> {
    const { objects } = this.#runner
    try {
      return await objects.plug(params, call)
    } catch (error) {
      if (!ConetError.is(error, 'inUse')) throw error
      const scope = { networkId: params.network.id, endpointId: params.endpointId }
      await objects.unplug(scope, call)
      const result = await objects.plug(params, call)
      call.repaired(pluggedWrongly(scope, 'another sandbox'))
      return result
    }
  }

  /** Never rejects: a failure is part of the answer, and the runner has logged it if it is a bug. */
  #ensure(
    scope: Scope,
    { round, result, progress, context: { meta, cancellation } }: Page,
    work: (call: Call) => Promise<void>,
  ): Promise<void> {
    const what = 'driver/sync'
    const turn: Turn = {
      what,
      scope,
      meta,
      cancellation,
      before: () => assertNetwork(round, scope),
      ended: (failure) => {
        progress.step()
        if (failure === undefined) return
        result.failed.push(failed(scope, failure))
        // Noted before the endpoints of the network have their turn.
        if (scope.endpointId === undefined) round.failedNetworks.set(scope.networkId, failure)
      },
      repaired: (what) => result.repaired.push(what),
      progress: (message) => progress.say(message),
    }
    return this.#runner
      .inTurn(turn, { hasBegun: false }, (call) =>
        round.slots.run(async () => {
          // Given up while it waited for its slot.
          if (cancellation.isCancelled) throw notBegun(what, cancellation)
          await work(call)
        }),
      )
      .catch(() => undefined)
  }

  async #findUnknown({ round, result, progress, context: { meta, cancellation } }: Page): Promise<void> {
    const { objects } = this.#runner
    const say: Turn['progress'] = (message) => progress.say(message)
    const turn: Turn = { what: 'driver/sync', scope: undefined, meta, cancellation, progress: say }
    const has = await this.#runner.inTurn(turn, { hasBegun: false }, async (call) => {
      const [networkIds, endpoints] = await Promise.all([
        objects.listNetworks(call),
        objects.listEndpoints(call),
      ])
      return { networkIds, endpoints }
    })
    result.unknown.networkIds.push(...has.networkIds.filter((id) => !round.networks.has(id)))
    const unknown = has.endpoints.filter(({ endpointId }) => !round.endpoints.has(endpointId))
    result.unknown.endpoints.push(...unknown.map(({ networkId, endpointId }) => ({ networkId, endpointId })))
    objects.keepOnly(round)
    this.#runner.peers.keepOnly(round.networks)
    if (this.#round === round) this.#round = undefined
  }
}

/** How far a page is; what its objects say of themselves has no percentage, since that is one object's. */
class PageProgress {
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

function isToBePlugged(endpoint: DesiredEndpoint): endpoint is PlugParams {
  return endpoint.sandbox !== undefined
}

function assertNetwork(round: Round, { networkId, endpointId }: Scope): void {
  const cause = round.failedNetworks.get(networkId)
  if (endpointId === undefined || cause === undefined) return
  throw new ConetError('failedPrecondition', `not tried, because its network failed: ${cause.message}`, {
    cause,
  })
}

function pluggedWrongly({ endpointId }: EndpointRef, where: string): string {
  return `endpoint ${endpointId}: it was plugged into ${where}`
}

function failed(scope: Scope, { kind, message }: ConetError): SyncFailure {
  return { ...scope, error: { name: kind, message } }
}

function emptyResult(): SyncResult {
  return { repaired: [], failed: [], plugged: [], unknown: { networkIds: [], endpoints: [] } }
}
