// In which order the calls of a driver run: those on one endpoint one after the other as they arrived; those on a
// network alone, after all before them on that network and its endpoints; everything else side by side.
// It knows neither methods nor drivers.

/** What a call works on: a network, or one endpoint of it. */
export type Scope = { readonly networkId: string; readonly endpointId?: string }

/** What has been asked for one network and has not ended. */
type Lane = {
  /** The last call on the network itself. */
  network: Promise<unknown> | undefined
  /** The last call on each endpoint that came after it. */
  readonly endpoints: Map<string, Promise<unknown>>
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
      lane = { network: undefined, endpoints: new Map() }
      this.#lanes.set(networkId, lane)
    }
    return lane
  }

  #leave({ networkId, endpointId }: Scope, ended: Promise<unknown>): void {
    const lane = this.#lanes.get(networkId)
    if (lane === undefined) return
    if (lane.network === ended) lane.network = undefined
    if (endpointId !== undefined && lane.endpoints.get(endpointId) === ended)
      lane.endpoints.delete(endpointId)
    if (lane.network === undefined && lane.endpoints.size === 0) this.#lanes.delete(networkId)
  }
}

function predecessors(lane: Lane, { endpointId }: Scope): Promise<unknown>[] {
  const calls = endpointId === undefined ? [...lane.endpoints.values()] : [lane.endpoints.get(endpointId)]
  return [lane.network, ...calls].filter((call) => call !== undefined)
}

function take(lane: Lane, { endpointId }: Scope, ended: Promise<unknown>): void {
  if (endpointId !== undefined) {
    lane.endpoints.set(endpointId, ended)
    return
  }
  lane.network = ended
  // Whoever comes now waits for the call on the network, which itself waits for these.
  lane.endpoints.clear()
}
