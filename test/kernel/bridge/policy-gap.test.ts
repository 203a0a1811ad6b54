import type { PlugParams } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Firewall } from '../../../sdk/dist/bridge-network/firewall/firewall.js'
import { PolicyTable } from '../../../sdk/dist/bridge-network/firewall/policy-table.js'
import { FlowReview } from '../../../sdk/dist/bridge-network/flow-review.js'
import { TrafficShaper } from '../../../sdk/dist/bridge-network/traffic-shaper.js'
import { eventually } from '../../support/eventually.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { type BridgeFixture, network, sh } from './bridge-fixture.ts'
import { blue, outside, PolicedMember } from './policed-member.ts'

let member: PolicedMember
let fixture: BridgeFixture
let web: PlugParams
let peers: PolicedMember['peers']

beforeAll(async () => {
  member = await PolicedMember.start()
  ;({ fixture, web, peers } = member)
})

afterAll(async () => {
  await member?.[Symbol.asyncDispose]()
})

/** The driver's watch over its tables sees nothing of what is done meanwhile. */
async function whileNobodyMends(work: () => Promise<void>): Promise<void> {
  const watches = [
    vi.spyOn(Firewall.prototype, 'isChanged').mockReturnValue(false),
    vi.spyOn(PolicyTable.prototype, 'isChanged').mockReturnValue(false),
    vi.spyOn(PolicyTable.prototype, 'repair').mockResolvedValue(false),
  ]
  try {
    await work()
  } finally {
    for (const watch of watches) watch.mockRestore()
  }
}

describe('a policy that was not there for a while', () => {
  it('holds for what began while the tables were gone: with isolation, masquerade and ports it is judged when they are back', async () => {
    member.rememberFlows()
    const green = await fixture.create(
      network('green', { subnets: [{ subnet: '10.2.0.0/16', gateway: '10.2.0.1' }] }),
    )
    fixture.sandbox('guest')
    const guest = fixture.params(green, 'guest', { addresses: ['10.2.0.2/16'] })
    await fixture.plug({
      ...guest,
      portMappings: [{ protocol: 'udp', hostPort: 5353, containerPort: 53 }],
    })
    await using peer = new TrafficPeer('guest', fixture.namespaces.path('guest'))
    await Promise.all([peer.listen('udp', 53), peer.listen('tcp', 80), peers.outside.listen('udp', 53)])
    const far = { address: '192.0.2.2', port: 53 }
    const port = { address: '192.0.2.1', port: 5353, from: 5003, timeoutMs: 300 }
    expect(await peers.web.tcp({ ...outside, keep: 'before' })).toBe('outside sees 192.0.2.1')
    // A policy that could not be put in force is none by which anything is judged later.
    const limit = vi.spyOn(TrafficShaper.prototype, 'set').mockRejectedValueOnce(new Error('no memory'))
    await expect(fixture.plug({ ...web, policy: {} })).rejects.toThrow('no memory')
    limit.mockRestore()
    expect(await peers.web.tcp({ ...outside, keep: 'before' })).toBe('outside sees 192.0.2.1')
    await whileNobodyMends(async () => {
      sh("nft 'delete table inet conet_bridge; delete table inet conet_bridge_policy'")
      expect(await peers.outside.udp(port)).toMatch(/^failed/)
      expect(await peers.web.udp({ ...far, from: 5001 })).toBe('outside sees 10.1.0.2')
      expect(await peer.udp({ ...far, from: 5002 })).toBe('outside sees 10.2.0.2')
      expect(await peers.web.tcp({ ...outside, port: 81, keep: 'forbidden' })).toContain('outside')
      expect(await peers.web.tcp({ address: '10.2.0.2', port: 80, keep: 'across' })).toContain('guest')
    })
    await eventually(async () => {
      expect(await peers.web.udp({ ...far, from: 5001 })).toBe('failed: ECONNREFUSED')
      expect(await peer.udp({ ...far, from: 5002 })).toBe('outside sees 192.0.2.1')
      expect(await peers.outside.udp(port)).toBe('guest sees 192.0.2.2')
      for (const keep of ['forbidden', 'across']) expect(await peers.web.echo(keep)).toBe('failed: closed')
    })
    expect(await peers.web.echo('before')).toBe('again')
    sh('nft delete table inet theirs')
    const { endpointId } = guest
    await fixture.driver.deleteEndpoint({ networkId: green.id, endpointId }, fixture.call())
    await fixture.driver.deleteNetwork(green.id, fixture.call())
  })

  it('holds for what began while neither tables nor driver were there, for members without rules too', async () => {
    member.rememberFlows()
    const green = await fixture.create(
      network('green', { subnets: [{ subnet: '10.2.0.0/16', gateway: '10.2.0.1' }] }),
    )
    const guest = await fixture.join(green, 'plain', { addresses: ['10.2.0.3/16'] })
    await using peer = new TrafficPeer('plain', fixture.namespaces.path('plain'))
    await Promise.all([peer.listen('tcp', 80), peers.outside.listen('udp', 54)])
    const far = { address: '192.0.2.2', port: 54, from: 5004 }
    const looks = vi.spyOn(FlowReview.prototype, 'ofAll')
    for (const isLost of [true, false]) {
      await fixture.driver.stop?.()
      if (isLost) {
        sh("nft 'delete table inet conet_bridge; delete table inet conet_bridge_policy'")
        expect(await peer.udp(far)).toBe('outside sees 10.2.0.3')
        expect(await peers.outside.tcp({ address: '10.2.0.3', port: 80, keep: 'in' })).toContain('plain')
      }
      await fixture.startDriver()
      for (const one of [blue, green]) await fixture.create(one)
      looks.mockClear()
      for (const one of [web, guest]) await fixture.plug(one)
      expect(looks).toHaveBeenCalledTimes(isLost ? 1 : 0)
      expect(await peer.udp(far)).toBe('outside sees 192.0.2.1')
      expect(await peers.outside.echo('in')).toBe('failed: closed')
    }
    looks.mockRestore()
    sh('nft delete table inet theirs')
    const { endpointId } = guest
    await fixture.driver.deleteEndpoint({ networkId: green.id, endpointId }, fixture.call())
    await fixture.driver.deleteNetwork(green.id, fixture.call())
  })

  it('holds for what began while a map or set was emptied and no driver was there', async () => {
    const guest = await fixture.join(blue, 'bare', { addresses: ['10.1.0.4/16'] })
    await using peer = new TrafficPeer('bare', fixture.namespaces.path('bare'))
    const far = { ...outside, port: 81 }
    const losses = ['map % networks4; flush map % sources4', 'map % policies', 'set % bridges']
    for (const [at, loss] of losses.entries()) {
      await fixture.driver.stop?.()
      sh(`nft 'flush ${loss.replaceAll('%', 'inet conet_bridge_policy')}'`)
      for (const one of [peer, peers.web])
        expect(await one.tcp({ ...far, keep: `lost ${at}` }), loss).toContain('outside')
      await fixture.startDriver()
      await fixture.create(blue)
      for (const one of [web, guest]) await fixture.plug(one)
      for (const one of [peer, peers.web]) {
        expect(await one.echo(`lost ${at}`), loss).toMatch('failed')
        expect(await one.tcp(far), loss).toBe('failed: ECONNREFUSED')
      }
      await member.isInForce()
    }
    await fixture.driver.deleteEndpoint({ networkId: blue.id, endpointId: guest.endpointId }, fixture.call())
  })

  it('and masquerade hold for what began while nobody masqueraded and no driver was there', async () => {
    await fixture.driver.stop?.()
    sh('nft flush set inet conet_bridge masqueraded')
    expect(await peers.web.tcp({ ...outside, keep: 'bare' })).toBe('outside sees 10.1.0.2')
    await fixture.startDriver()
    await fixture.create(blue)
    await fixture.plug(web)
    await eventually(async () => expect(await peers.web.echo('bare')).toMatch('failed'))
    expect(await peers.web.tcp(outside)).toBe('outside sees 192.0.2.1')
  })

  it('holds for those who come back, though another never does, and for that one when it comes late', async () => {
    const guest = await fixture.join(blue, 'early', { addresses: ['10.1.0.4/16'] })
    const late = await fixture.join(blue, 'late', { addresses: ['10.1.0.5/16'] })
    await using ofGuest = new TrafficPeer('early', fixture.namespaces.path('early'))
    await using ofLate = new TrafficPeer('late', fixture.namespaces.path('late'))
    member.rememberFlows()
    const far = { ...outside, port: 81, keep: 'missed' }
    await fixture.driver.stop?.()
    sh("nft 'delete table inet conet_bridge; delete table inet conet_bridge_policy'")
    for (const one of [ofGuest, ofLate]) expect(await one.tcp(far)).toContain('outside')
    await fixture.startDriver()
    await fixture.create(blue)
    for (const one of [web, guest]) await fixture.plug(one)
    await eventually(async () => expect(await ofGuest.echo('missed')).toMatch('failed'))
    expect(await ofLate.echo('missed')).toBe('again')
    await fixture.plug(late)
    expect(await ofLate.echo('missed')).toMatch('failed')
    sh('nft delete table inet theirs')
    for (const { endpointId } of [guest, late])
      await fixture.driver.deleteEndpoint({ networkId: blue.id, endpointId }, fixture.call())
  })
})
