// A container with rules and a port in a network that denies, seen from all sides: what tests of its policy begin with.
import type { PlugParams } from '@conet/sdk'
import { expect } from 'vitest'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { BridgeFixture, network, sh } from './bridge-fixture.ts'

export const blue = network('blue', { config: { egress: 'deny' } })
export const outside = { address: '192.0.2.2', port: 80 }
export const netOut = [{ protocol: 'tcp', ports: [{ start: 80 }, { start: 5000 }] }, { protocol: 'icmp' }]
const portMappings = [{ protocol: 'tcp' as const, hostPort: 8080, containerPort: 80 }]

type Peers = Record<'web' | 'outside' | 'machine', TrafficPeer>

export class PolicedMember implements AsyncDisposable {
  readonly fixture: BridgeFixture
  readonly web: PlugParams
  readonly peers: Peers

  private constructor(fixture: BridgeFixture, web: PlugParams, peers: Peers) {
    this.fixture = fixture
    this.web = web
    this.peers = peers
  }

  static async start(): Promise<PolicedMember> {
    const fixture = await BridgeFixture.start()
    fixture.outside()
    await fixture.create(blue)
    fixture.sandbox('web')
    const web = {
      ...fixture.params(blue, 'web', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }),
      policy: { net_out: netOut },
      portMappings,
    }
    await fixture.plug(web)
    const peers = {
      web: new TrafficPeer('web', fixture.namespaces.path('web')),
      outside: new TrafficPeer('outside', fixture.namespaces.path('outside')),
      machine: new TrafficPeer('machine'),
    }
    await Promise.all([
      peers.web.listen('tcp', 80),
      peers.outside.listen('tcp', 80),
      peers.outside.listen('tcp', 81),
    ])
    return new PolicedMember(fixture, web, peers)
  }

  async setPolicy(policy: Record<string, unknown>): Promise<void> {
    await this.fixture.driver.policy?.({ ...this.web, policy }, this.fixture.call())
  }

  /** What the policy looks like to its traffic. */
  async isInForce(): Promise<void> {
    const { web, outside: far, machine } = this.peers
    expect(await web.tcp(outside)).toContain('outside')
    expect(await web.tcp({ ...outside, port: 81 })).toBe('failed: ECONNREFUSED')
    expect(await far.tcp({ address: '192.0.2.1', port: 8080 })).toContain('web')
    expect(await machine.tcp({ address: '127.0.0.1', port: 8080 })).toContain('web')
  }

  /** Without the driver's tables the kernel remembers flows only where another one asks for them, as firewalld or Docker. */
  rememberFlows(): void {
    sh(`nft 'add table inet theirs; add chain inet theirs watch { type filter hook forward priority 0; }
      add rule inet theirs watch ct state new counter'`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of Object.values(this.peers)) await peer[Symbol.asyncDispose]()
    await this.fixture[Symbol.asyncDispose]()
  }
}
