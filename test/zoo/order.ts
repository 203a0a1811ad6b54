// Calls on one endpoint take effect one after the other, a call on a network after all before it on that network and
// its endpoints, and before those after it (CALL-5); everything else runs side by side (CALL-7).

export type Scope = { readonly networkId: string; readonly endpointId?: string }

type Lane = { network: Promise<unknown>; readonly endpoints: Map<string, Promise<unknown>> }

export class Order {
  readonly #lanes = new Map<string, Lane>()
  readonly #underWay = new Set<Promise<unknown>>()

  /** Runs `work` in its turn. How what was before ended makes no difference. */
  run<T>({ networkId, endpointId }: Scope, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(networkId) ?? { network: Promise.resolve(), endpoints: new Map() }
    this.#lanes.set(networkId, lane)
    const before = endpointId === undefined ? [...lane.endpoints.values()] : [lane.endpoints.get(endpointId)]
    const result = Promise.all([lane.network, ...before]).then(work)
    const ended = result.then(nothing, nothing)
    if (endpointId !== undefined) {
      lane.endpoints.set(endpointId, ended)
    } else {
      lane.network = ended
      lane.endpoints.clear()
    }
    this.#underWay.add(ended)
    void ended.then(() => this.#underWay.delete(ended))
    return result
  }

  /** Resolves when everything that was asked before has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay)
  }
}

function nothing(): void {}
