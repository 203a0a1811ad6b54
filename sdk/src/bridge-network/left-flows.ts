// Flows that the kernel still remembers of endpoints that are gone. Whoever has one of their addresses next would go on with
// them: be sent what was meant for another, and send what its own policy does not allow.
import type { Conntrack, Flow, FlowFilter } from '../linux/netfilter/index.ts'
import { fewOrAll, ofFamily } from './flow-looks.ts'
import { SharedLook } from './shared-look.ts'

export class LeftFlows {
  readonly #conntrack: () => Pick<Conntrack, 'cut'>
  readonly #look = new SharedLook<Buffer>((addresses) => this.#cutAll(addresses))
  /** By endpoint: whose addresses a look has not yet been to its end for. */
  readonly #left = new Map<string, readonly Buffer[]>()

  constructor(conntrack: () => Pick<Conntrack, 'cut'>) {
    this.#conntrack = conntrack
  }

  /** Whether flows of the endpoint may be left, since the look for them is under way or has failed. */
  mayBeOf(endpointId: string): boolean {
    return this.#left.has(endpointId)
  }

  /**
   * Resolves when there is no flow any more from or to one of the addresses, nor from or to those that an earlier look for the same
   * endpoint has failed for. Throws a KernelError; then it is to be repeated.
   */
  async cut(endpointId: string, addresses: readonly Buffer[]): Promise<void> {
    const all = [...(this.#left.get(endpointId) ?? []), ...addresses]
    if (all.length === 0) return
    this.#left.set(endpointId, all)
    await this.#look.join(all)
    this.#left.delete(endpointId)
  }

  async #cutAll(all: readonly Buffer[]): Promise<void> {
    for (const family of [4, 6] as const) {
      const addresses = ofFamily(family, all)
      const gone = new Set(addresses.map(hex))
      const isLeft = ({ original, reply }: Flow) =>
        gone.has(hex(original.source)) || gone.has(hex(reply.source))
      for (const filter of filtersOf(addresses)) await this.#conntrack().cut({ family, ...filter }, isLeft)
    }
  }
}

const filtersOf = (addresses: readonly Buffer[]) =>
  fewOrAll<Pick<FlowFilter, 'source' | 'answerer'>>(addresses, (address) => [
    { source: address },
    { answerer: address },
  ])

const hex = (address: Buffer) => address.toString('hex')
