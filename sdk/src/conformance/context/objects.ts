// Networks and endpoints that checks ask a driver for: valid, different from all others of the run, repeatable.
import type { CreateEndpointParams, Document, Network, Segments } from '../../protocol/index.ts'
import type { Random } from './random.ts'

/** What a driver wants in the documents of its users, where its schemas ask for something. */
export type Documents = { readonly config: Document; readonly options: Document }

/** Hands out subnets, so that no two networks of a run overlap: 198.18.0.0/15 is for tests (RFC 2544). */
export class Subnets {
  #taken = 0

  next(): { readonly prefix: string; readonly subnet: string; readonly gateway: string } {
    const number = this.#taken % 512
    this.#taken += 1
    const prefix = `198.${18 + Math.floor(number / 256)}.${number % 256}`
    return { prefix, subnet: `${prefix}.0/24`, gateway: `${prefix}.1` }
  }
}

export class Objects {
  readonly #random: Random
  readonly #subnets: Subnets
  readonly #documents: Documents
  readonly #isOwnIpam: boolean
  readonly #segments: Segments | undefined
  readonly #hostParts = new Map<string, number>()

  constructor(options: {
    random: Random
    subnets: Subnets
    documents: Documents
    isOwnIpam: boolean
    segments: Segments | undefined
  }) {
    this.#random = options.random
    this.#subnets = options.subnets
    this.#documents = options.documents
    this.#isOwnIpam = options.isOwnIpam
    this.#segments = options.segments
  }

  id(): string {
    return this.#random.hex(64)
  }

  network(changes: Partial<Network> = {}): Network {
    const { subnet, gateway } = this.#subnets.next()
    const id = this.id()
    return {
      id,
      name: `kit-${id.slice(0, 12)}`,
      labels: {},
      internal: false,
      subnets: [{ subnet, gateway }],
      config: { ...this.#documents.config },
      ...(this.#segments !== undefined && { segmentId: this.#segmentId(this.#segments) }),
      ...changes,
    }
  }

  /** With the next free address of the network's first subnet, unless the driver gives addresses itself. */
  endpoint(network: Network, changes: Partial<CreateEndpointParams> = {}): CreateEndpointParams {
    const endpointId = this.id()
    return {
      network,
      endpointId,
      container: { handle: `kit-${endpointId.slice(0, 12)}`, labels: {} },
      interface: {
        name: 'eth0',
        macAddress: `02:42:${(this.#random.hex(8).match(/../g) ?? []).join(':')}`,
        addresses: this.#isOwnIpam ? [] : this.#nextAddresses(network),
        defaultRoute: true,
        routes: [],
      },
      options: { ...this.#documents.options },
      ...changes,
    }
  }

  /** By chance: the driver may have networks of somebody else. */
  #segmentId({ minimum, maximum }: Segments): number {
    return minimum + this.#random.below(maximum - minimum + 1)
  }

  #nextAddresses({ id, subnets }: Network): string[] {
    const [first] = subnets
    if (first === undefined) return []
    const part = this.#hostParts.get(id) ?? 2
    this.#hostParts.set(id, part + 1)
    const [base = '', prefixLength = '24'] = first.subnet.split('/')
    return [`${base.slice(0, base.lastIndexOf('.'))}.${part}/${prefixLength}`]
  }
}
