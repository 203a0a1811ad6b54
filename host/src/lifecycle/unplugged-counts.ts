// How many addresses of networks of the cluster endpoints hold that other hosts do not know, as they are not plugged in. It
// is said with a delay: most endpoints are plugged in soon after they were made, and nothing is to be said of them.
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { isInSubnet, withoutPrefix } from '../ipam/index.ts'

const delayMs = 1_000

type Say = (networkId: string, addresses: Record<string, number>) => void
type Change = { readonly before: EndpointRecord | undefined; readonly after: EndpointRecord | undefined }

export class UnpluggedCounts {
  readonly #say: Say
  /** By network, then by subnet. */
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #said = new Map<string, string>()
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(say: Say) {
    this.#say = say
  }

  /** An endpoint of the network has changed. */
  note(network: NetworkRecord, { before, after }: Change): void {
    const lost = unpluggedOf(before)
    const won = unpluggedOf(after)
    if (lost.join() === won.join()) return
    this.#add(network, lost, -1)
    this.#add(network, won, 1)
    // Its address is a member's from now on, and is not to count twice: both go into one transaction.
    if (after?.state === 'plugged' && this.#said.has(network.id)) this.#tell(network.id)
    else if (!this.#timers.has(network.id))
      this.#timers.set(network.id, setTimeout(() => this.#tell(network.id), delayMs).unref())
  }

  /** Nothing is waited for. */
  tellAll(): void {
    for (const networkId of [...this.#timers.keys()]) this.#tell(networkId)
  }

  #add({ id, subnets }: NetworkRecord, addresses: readonly string[], sign: 1 | -1): void {
    const counts = this.#counts.get(id) ?? new Map<string, number>()
    this.#counts.set(id, counts)
    for (const address of addresses) {
      const of = subnets.find(({ subnet }) => isInSubnet(address, subnet))?.subnet
      if (of !== undefined) counts.set(of, (counts.get(of) ?? 0) + sign)
    }
  }

  #tell(networkId: string): void {
    clearTimeout(this.#timers.get(networkId))
    this.#timers.delete(networkId)
    const some = [...(this.#counts.get(networkId) ?? [])].filter(([, count]) => count > 0)
    const text = some.length === 0 ? undefined : JSON.stringify(some)
    if (text === undefined) this.#counts.delete(networkId)
    if (text === this.#said.get(networkId)) return
    if (text === undefined) this.#said.delete(networkId)
    else this.#said.set(networkId, text)
    this.#say(networkId, Object.fromEntries(some))
  }
}

function unpluggedOf(endpoint: EndpointRecord | undefined): string[] {
  if (endpoint === undefined || endpoint.state === 'plugged') return []
  return endpoint.interface.addresses.map(withoutPrefix)
}
