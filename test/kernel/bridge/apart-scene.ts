// Three members that are kept apart, and traffic between them: what tests of policies from container to container begin with.
import type { PlugParams, PortMapping } from '@conet/sdk'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { BridgeFixture, network, sh } from './bridge-fixture.ts'

export const apart = network('apart', { config: { icc: false } })

const names = ['shop', 'till', 'thief'] as const
export type Name = (typeof names)[number]

const hostNumber: Record<Name, number> = { shop: 2, till: 3, thief: 4 }
export const addressOf = (name: Name, family: 4 | 6 = 4) =>
  family === 4 ? `10.1.0.${hostNumber[name]}` : `fd00:1::${hostNumber[name]}`

/** One entry of a document. */
export function allow(source: string, destination: string, what: { protocol?: string; ports?: object } = {}) {
  const { protocol = 'tcp', ports = { start: 80, end: 80 } } = what
  return { source: { id: source }, destination: { id: destination, protocol, ports } }
}

type Attempt = { port?: number; family?: 4 | 6 }

export class ApartScene implements AsyncDisposable {
  readonly fixture: BridgeFixture
  readonly members: Record<Name, PlugParams>
  readonly peers: Record<Name, TrafficPeer>

  private constructor(fixture: BridgeFixture) {
    this.fixture = fixture
    const params = (name: Name) =>
      fixture.params(apart, name, { addresses: [`${addressOf(name)}/16`, `${addressOf(name, 6)}/64`] })
    const peer = (name: Name) => new TrafficPeer(name, fixture.namespaces.path(name))
    this.members = { shop: params('shop'), till: params('till'), thief: params('thief') }
    this.peers = { shop: peer('shop'), till: peer('till'), thief: peer('thief') }
  }

  /** All three are plugged, and listen. */
  static async start(): Promise<ApartScene> {
    const fixture = await BridgeFixture.start()
    await fixture.create(apart)
    for (const name of names) fixture.sandbox(name)
    const scene = new ApartScene(fixture)
    await scene.reset()
    for (const name of names) {
      const peer = scene.peers[name]
      await Promise.all([peer.listen('tcp', 80), peer.listen('tcp', 81), peer.listen('udp', 53)])
    }
    return scene
  }

  /** All are plugged, and nobody says anything. */
  async reset(): Promise<void> {
    for (const params of Object.values(this.members)) await this.fixture.plug(params)
  }

  /** The document of one of them from now on. */
  async say(name: Name, ...policies: object[]): Promise<void> {
    await this.put(name, { policies })
  }

  async put(name: Name, policy: Record<string, unknown>, ports: readonly PortMapping[] = []): Promise<void> {
    const params = { ...this.members[name], policy, portMappings: [...ports] }
    await this.fixture.driver.policy?.(params, this.fixture.call())
  }

  async unplug(name: Name): Promise<void> {
    const { endpointId } = this.members[name]
    await this.fixture.driver.unplug({ networkId: apart.id, endpointId }, this.fixture.call())
  }

  tcp(from: Name, to: Name, { port = 80, family = 4 }: Attempt = {}): Promise<string> {
    return this.peers[from].tcp({ address: addressOf(to, family), port })
  }

  udp(from: Name, to: Name, { port = 53, family = 4 }: Attempt = {}): Promise<string> {
    return this.peers[from].udp({ address: addressOf(to, family), port, timeoutMs: 1_000 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of Object.values(this.peers)) await peer[Symbol.asyncDispose]()
    await this.fixture[Symbol.asyncDispose]()
  }
}

export function setBridgeFiltering(value: 0 | 1): void {
  sh(`echo ${value} >/proc/sys/net/bridge/bridge-nf-call-iptables
      echo ${value} >/proc/sys/net/bridge/bridge-nf-call-ip6tables`)
}
