// In which order the calls of a driver run: those on one endpoint one after the other as they arrived; those on a
// network alone, after all before them on that network and its endpoints; those on the peers of a network one after
// the other, as if these were one more endpoint of it; everything else side by side.
// It knows neither methods nor drivers.

/** What a call works on: a network, one endpoint of it, or its peers on other hosts. */
export type Scope = { readonly networkId: string; readonly endpointId?: string; readonly isPeers?: true }

/** No endpoint has this id. */
const peersPart = 'peers'

/** What has been asked for one network and has not ended. */
type Lane = {
  /** The last call on the network itself. */
  network: Promise<unknown> | undefined
  /** The last call on each part (an endpoint, the peers) that came after it. */
  readonly parts: Map<string, Promise<unknown>>
}

export class CallOrder {
  readonly #lanes = new Map<string, Lane>()

  /**
   * Runs `work` when its turn has come, at once if nothing is before it. The place is taken when this is called,
   * not when it first waits. Whether what was before ended well or badly makes no difference.
   */
  run<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    const lane = this.#lane(scope.networkId)
    const before = predecessors(lane, scope)
    const result = before.length === 0 ? work() : Promise.all(before).then(work)
    const leave = (): void => this.#leave(scope, ended)
    const ended: Promise<void> = result.then(leave, leave)
    take(lane, scope, ended)
    return result
  }

  /** How many networks have calls under way or waiting. */
  get size(): number {
    return this.#lanes.size
  }

  #lane(networkId: string): Lane {
    let lane = this.#lanes.get(networkId)
    if (lane === undefined) {
      lane = { network: undefined, parts: new Map() }
      this.#lanes.set(networkId, lane)
    }
    return lane
  }

  #leave(scope: Scope, ended: Promise<unknown>): void {
    const lane = this.#lanes.get(scope.networkId)
    if (lane === undefined) return
    const part = partOf(scope)
    if (lane.network === ended) lane.network = undefined
    if (part !== undefined && lane.parts.get(part) === ended) lane.parts.delete(part)
    if (lane.network === undefined && lane.parts.size === 0) this.#lanes.delete(scope.networkId)
  }
}

function partOf({ endpointId, isPeers }: Scope): string | undefined {
  return isPeers === true ? peersPart : endpointId
}

function predecessors(lane: Lane, scope: Scope): Promise<unknown>[] {
  const part = partOf(scope)
  const calls = part === undefined ? [...lane.parts.values()] : [lane.parts.get(part)]
  return [lane.network, ...calls].filter((call) => call !== undefined)
}

function take(lane: Lane, scope: Scope, ended: Promise<unknown>): void {
  const part = partOf(scope)
  if (part !== undefined) {
    lane.parts.set(part, ended)
    return
  }
  lane.network = ended
  // Whoever comes now waits for the call on the network, which itself waits for these.
  lane.parts.clear()
}
