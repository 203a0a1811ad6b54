// In which order the calls of a driver run: those on one endpoint one after the other as they arrived; those on a
// network alone, after all before them on that network and its endpoints; those on the peers of a network one after
// the other, as if these were one more endpoint of it; everything else side by side.
// It knows neither methods nor drivers.

/** What a call works on: a network, one endpoint of it, or its peers on other hosts. */
export type Scope = { readonly networkId: string; readonly endpointId?: string; readonly isPeers?: true }

/** No endpoint has this id. */
const peersPart = 'peers'

/** Where a call stands, from the moment it came until it has ended. */
export class Place {
  readonly networkId: string
  /** Undefined: the network itself. */
  readonly part: string | undefined
  /** Resolves when everything before it has ended; undefined: nothing is before it. */
  readonly before: Promise<unknown> | undefined
  #hasEnded = false
  #ended: Promise<void> | undefined
  #resolve: (() => void) | undefined

  constructor(networkId: string, part: string | undefined, before: Promise<unknown> | undefined) {
    this.networkId = networkId
    this.part = part
    this.before = before
  }

  /** Made for who waits: nearly nobody does. */
  get ended(): Promise<void> {
    this.#ended ??= this.#hasEnded
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#resolve = resolve
        })
    return this.#ended
  }

  end(): void {
    this.#hasEnded = true
    this.#resolve?.()
  }
}

/** What has been asked for one network and has not ended. */
type Lane = {
  /** The last call on the network itself. */
  network: Place | undefined
  /** The last call on each part (an endpoint, the peers) that came after it. */
  readonly parts: Map<string, Place>
}

export class CallOrder {
  readonly #lanes = new Map<string, Lane>()

  /** Takes the next place. Its work begins when what is `before` it has ended, well or badly, and ends with `leave`. */
  enter(scope: Scope): Place {
    const { networkId } = scope
    const lane = this.#lane(networkId)
    const part = partOf(scope)
    const place = new Place(networkId, part, predecessors(lane, part))
    if (part !== undefined) lane.parts.set(part, place)
    else takeWhole(lane, place)
    return place
  }

  leave(place: Place): void {
    place.end()
    const { networkId, part } = place
    const lane = this.#lanes.get(networkId)
    if (lane === undefined) return
    if (lane.network === place) lane.network = undefined
    if (part !== undefined && lane.parts.get(part) === place) lane.parts.delete(part)
    if (lane.network === undefined && lane.parts.size === 0) this.#lanes.delete(networkId)
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
}

function partOf({ endpointId, isPeers }: Scope): string | undefined {
  return isPeers === true ? peersPart : endpointId
}

function predecessors({ network, parts }: Lane, part: string | undefined): Promise<unknown> | undefined {
  const same = part === undefined ? undefined : parts.get(part)
  // The usual case, thousands of times in a sync.
  if (network === undefined && (part === undefined ? parts.size === 0 : same === undefined)) return undefined
  const calls = part === undefined ? [...parts.values()] : [same]
  const ends = [network, ...calls].flatMap((place) => (place === undefined ? [] : [place.ended]))
  return ends.length < 2 ? ends[0] : Promise.all(ends)
}

/** Whoever comes now waits for the call on the network, which itself waits for those on its parts. */
function takeWhole(lane: Lane, place: Place): void {
  lane.network = place
  lane.parts.clear()
}
