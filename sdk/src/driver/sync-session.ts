// `driver/sync`, for every driver: what the host says should be is made so with the calls that every driver has and
// that may be repeated; what the driver has beyond it is named. One of these serves one connection.
import type { DesiredEndpoint, Network, SyncParams, SyncResult } from '../protocol/index.ts'
import type { CallRunner } from './call-runner.ts'
import type { RequestContext } from './calls-under-way.ts'
import type { Call } from './driver.ts'
import { Slots } from './slots.ts'
import { type Page, PageProgress, PageTurn, type Round } from './sync-page.ts'
import type { Turn } from './turn.ts'

const maxAtOnce = 8

export class SyncSession {
  readonly #runner: CallRunner
  #round: Round | undefined

  constructor(runner: CallRunner) {
    this.#runner = runner
  }

  /** Names an object that the host asked for outside the pages: it is not unknown to it. */
  name({ networkId, endpointId }: { networkId: string; endpointId?: string }): void {
    if (this.#round === undefined) return
    this.#round.networks.add(networkId)
    if (endpointId !== undefined) this.#runner.objects.nameEndpoint({ networkId, endpointId })
  }

  /** Serves one page. All its objects take their places in the order of calls before this returns. */
  serve(params: SyncParams, context: RequestContext): Promise<SyncResult> {
    return this.#runner.timed('driver/sync', context, async (underWay) => {
      underWay.hasBegun = true
      const { networks, endpoints } = params
      const page: Page = {
        round: this.#roundOf(params),
        result: emptyResult(),
        context,
        progress: new PageProgress(underWay.progress, networks.length + endpoints.length),
      }
      await this.#make(
        [
          ...networks.map((network) => this.#turnOfNetwork(network, page)),
          ...endpoints.map((endpoint) => this.#turnOfEndpoint(endpoint, page)),
        ],
        page,
      )
      if (!params.more) await this.#findUnknown(page)
      return page.result
    })
  }

  #roundOf({ syncId }: SyncParams): Round {
    if (this.#round?.syncId !== syncId) {
      this.#round = {
        syncId,
        since: this.#runner.objects.beginNaming(),
        networks: new Set(),
        failedNetworks: new Map(),
        slots: new Slots(maxAtOnce),
      }
    }
    return this.#round
  }

  #turnOfNetwork(network: Network, page: Page): PageTurn {
    const { objects, peers } = this.#runner
    const scope = { networkId: network.id }
    page.round.networks.add(network.id)
    const make = async (call: Call) => {
      objects.forgetNetwork(network.id)
      peers.forget(network.id)
      await objects.createNetwork(network, call)
      return undefined
    }
    return new PageTurn(page, { scope, place: this.#runner.enter(scope), make })
  }

  #turnOfEndpoint(endpoint: DesiredEndpoint, page: Page): PageTurn {
    const { objects } = this.#runner
    const scope = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    const named = objects.nameEndpoint(scope)
    named.wantedIn = endpoint.sandbox?.path
    const make = (call: Call) => objects.ensureEndpoint(endpoint, named, call)
    return new PageTurn(page, { scope, place: this.#runner.enter(scope), make })
  }

  /** Those that have to wait for something wait beside the others, and not in their way. */
  async #make(turns: readonly PageTurn[], { round, result }: Page): Promise<void> {
    const free = turns.filter(({ place }) => place.before === undefined).values()
    const blocked = turns.filter(({ place }) => place.before !== undefined)
    await Promise.all([
      ...Array.from({ length: maxAtOnce }, () => this.#workOff(free, round.slots)),
      ...blocked.map(async (turn) => {
        await turn.place.before
        await this.#workOff([turn], round.slots)
      }),
    ])
    for (const { scope, plugged } of turns) {
      const { networkId, endpointId } = scope
      if (plugged !== undefined && endpointId !== undefined)
        result.plugged.push({ networkId, endpointId, result: plugged })
    }
  }

  async #workOff(turns: Iterable<PageTurn>, slots: Slots): Promise<void> {
    const slot = slots.enter()
    if (slot !== undefined) await slot
    for (const turn of turns) {
      try {
        turn.plugged = await this.#runner.inPlace(turn.place, turn, turn, turn.make)
      } catch {
        // Part of the answer: the turn has heard it, and the runner has logged it if it is a bug.
      }
    }
    slots.leave()
  }

  async #findUnknown({ round, result, progress, context: { meta, cancellation } }: Page): Promise<void> {
    const { objects } = this.#runner
    const say: Turn['progress'] = (message) => progress.say(message)
    const turn: Turn = { what: 'driver/sync', scope: undefined, meta, cancellation, progress: say }
    const [networkIds, unknown] = await this.#runner.inTurn(turn, { hasBegun: false }, (call) =>
      Promise.all([objects.listNetworks(call), objects.listUnnamed(round.since, call)]),
    )
    result.unknown.networkIds.push(...networkIds.filter((id) => !round.networks.has(id)))
    // A call may have named one while the networks were listed.
    for (const { networkId, endpointId } of unknown)
      if (!objects.isNamed(endpointId, round.since)) result.unknown.endpoints.push({ networkId, endpointId })
    objects.keepOnly(round.networks, round.since)
    this.#runner.peers.keepOnly(round.networks)
    if (this.#round === round) this.#round = undefined
  }
}

function emptyResult(): SyncResult {
  return { repaired: [], failed: [], plugged: [], unknown: { networkIds: [], endpoints: [] } }
}
