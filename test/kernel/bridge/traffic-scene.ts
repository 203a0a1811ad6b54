// Two members of a bridge network, the machine and another machine, who send each other traffic: what the tests of
// policies and of ports begin with.
import type { PlugParams, PortMapping } from '@conet/sdk'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { BridgeFixture, network } from './bridge-fixture.ts'

export type Peers = Record<'web' | 'other' | 'outside' | 'machine', TrafficPeer>

export const blue = network('blue')
/** Where nobody may go without a rule. */
export const strict = network('strict', {
  subnets: [
    { subnet: '10.2.0.0/16', gateway: '10.2.0.1' },
    { subnet: 'fd00:2::/64', gateway: 'fd00:2::1' },
  ],
  config: { egress: 'deny' },
})

export class TrafficScene implements AsyncDisposable {
  readonly fixture: BridgeFixture
  /** How the member that serves was plugged. */
  readonly #web: PlugParams
  readonly peers: Peers

  private constructor(fixture: BridgeFixture, web: PlugParams) {
    this.fixture = fixture
    this.#web = web
    const { namespaces } = fixture
    this.peers = {
      web: new TrafficPeer('web', namespaces.path('web')),
      other: new TrafficPeer('other', namespaces.path('other')),
      outside: new TrafficPeer('outside', namespaces.path('outside')),
      machine: new TrafficPeer('machine'),
    }
  }

  static async start(): Promise<TrafficScene> {
    const fixture = await BridgeFixture.start()
    fixture.outside()
    await fixture.create(blue)
    await fixture.create(strict)
    const web = await fixture.join(blue, 'web', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
    await fixture.join(blue, 'other', { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] })
    const scene = new TrafficScene(fixture, web)
    await scene.#listen()
    return scene
  }

  /** Of the member that serves, unless it is another's. */
  async setPolicy(
    policy: Record<string, unknown>,
    portMappings: PortMapping[] = [],
    of = this.#web,
  ): Promise<void> {
    await this.fixture.driver.policy?.({ ...of, policy, portMappings }, this.fixture.call())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of Object.values(this.peers)) await peer[Symbol.asyncDispose]()
    await this.fixture[Symbol.asyncDispose]()
  }

  async #listen(): Promise<void> {
    const { web, outside, machine } = this.peers
    await Promise.all([
      web.listen('tcp', 80),
      web.listen('udp', 53),
      outside.listen('tcp', 80),
      outside.listen('tcp', 81),
      outside.listen('udp', 53),
      machine.listen('tcp', 9000),
    ])
  }
}
