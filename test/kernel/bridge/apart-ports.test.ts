import { expect, it } from 'vitest'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { ApartScene, allow, setBridgeFiltering } from './apart-scene.ts'

it.each([0, 1] as const)(
  'icc false: a port of the machine leads from no member to another, policies or not, with bridge-nf-call-iptables %i',
  async (value) => {
    await using scene = await ApartScene.start()
    await using machine = new TrafficPeer('machine')
    setBridgeFiltering(value)
    const gateway = { address: '10.1.0.1', port: 8080 }
    const refused = () => scene.peers.shop.tcp({ ...gateway, timeoutMs: 300 })
    for (const policies of [[], [allow('shop', 'till')]]) {
      await scene.put('till', { policies }, [{ protocol: 'tcp', hostPort: 8080, containerPort: 80 }])
      expect(await machine.tcp(gateway)).toContain('till')
      expect(await refused()).toMatch(/^failed/)
    }
    setBridgeFiltering(0)
  },
)
