// The entry of a bridge's table for the bridge's own MAC, by which members reach the gateway, and local entries for the MACs of
// others, with which the bridge takes what is theirs.
import type { Network, PlugParams } from '@conet/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TwoMembers } from './two-members.ts'
import { bridgeNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

let members: TwoMembers
let cluster: VxlanCluster
let host: VxlanHost
let net: Network
let near: PlugParams
let far: PlugParams
let macAddress: string

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 2 })
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

beforeEach(async () => {
  members = await TwoMembers.on(cluster)
  ;({ host, net, near, far } = members)
  macAddress = String(host.show(`ip link show ${bridgeNameOf(net)}`)[0]?.address)
})

afterEach(() => members[Symbol.asyncDispose]())

const change = (command: string) => members.change(command, { MAC: macAddress })

const missing = /^bridge cnx\w+ does not take what is sent to its own MAC \S+, which is the gateway's/

describe('a vxlan driver', () => {
  it("has members reach the gateway again whose bridge's own entry is gone or leads elsewhere, while they talk", async () => {
    const ping = await members.ping()
    for (const command of [
      'bridge fdb del MAC dev BRIDGE self',
      'bridge fdb replace MAC dev PORT master static',
      'bridge fdb replace MAC dev TUNNEL master static',
    ]) {
      expect(await host.faults(), command).toEqual([])
      change(command)
      expect(cluster.cannotPing('near', '10.1.0.1'), command).toBe(true)
      expect(await host.faults(), command).toEqual([expect.stringMatching(missing)])
      await host.create(net)
      expect(cluster.ping('near', '10.1.0.1'), command).toBe(true)
    }
    expect(await host.faults()).toEqual([])
    await ping.goesOn()
    const { sent, received } = await ping.stop()
    expect(sent - received).toBeLessThanOrEqual(1)
  })

  it('puts it back when it starts, also where all entries were flushed or a snapshot finds it at the tunnel', async () => {
    change('bridge fdb flush dev BRIDGE')
    const { failed } = await host.restart('SIGKILL')
    expect(failed).toEqual([])
    expect(cluster.ping('near', '10.1.0.1')).toBe(true)
    change('bridge fdb replace MAC dev TUNNEL master static')
    await cluster.tell(net)
    expect(cluster.ping('near', '10.1.0.1') && cluster.ping('near', '10.1.0.12')).toBe(true)
    expect(await host.faults()).toEqual([])
  })

  it('mends a local entry for the MAC of a member, here or on another host', async () => {
    change(`bridge fdb replace ${near.interface.macAddress} dev PORT master permanent`)
    expect(cluster.cannotPing('near', '10.1.0.12')).toBe(true)
    expect(await host.endpointFaults()).toEqual([expect.stringContaining('does not know that')])
    await host.plug(near)
    expect(await host.endpointFaults()).toEqual([])
    expect(cluster.ping('near', '10.1.0.12')).toBe(true)
    change(`bridge fdb replace ${far.interface.macAddress} dev TUNNEL master permanent`)
    expect(cluster.cannotPing('near', '10.1.0.12')).toBe(true)
    expect(await host.faults()).toEqual([
      expect.stringContaining('1 forwarding entry not as in the directory'),
    ])
    await host.create(net)
    expect(await host.faults()).toEqual([])
    expect(cluster.ping('near', '10.1.0.12')).toBe(true)
  })

  it('mends an entry of any kind that leads what is for a member to another port, here or on another host', async () => {
    const { macAddress: here } = near.interface
    const { macAddress: there } = far.interface
    for (const kind of [
      'static',
      'static sticky',
      'dynamic sticky',
      'dynamic extern_learn',
      'static extern_learn',
    ]) {
      change(`bridge fdb replace ${here} dev TUNNEL master ${kind}`)
      expect(await host.endpointFaults(), kind).toEqual([expect.stringContaining('does not know that')])
      await host.plug(near)
      expect(await host.endpointFaults(), kind).toEqual([])
      expect(cluster.ping('near', '10.1.0.12'), kind).toBe(true)
      change(`bridge fdb replace ${there} dev PORT master ${kind}`)
      expect(await host.faults(), kind).toEqual([
        expect.stringContaining('1 forwarding entry not as in the directory'),
      ])
      await host.create(net)
      expect(await host.faults(), kind).toEqual([])
      expect(cluster.ping('near', '10.1.0.12'), kind).toBe(true)
    }
  })

  it('takes away neighbours that somebody has set for members, here or on another host', async () => {
    for (const [address, state] of [
      ['10.1.0.11', 'noarp'],
      ['10.1.0.11', 'permanent'],
      ['10.1.0.12', 'noarp'],
    ]) {
      expect(await host.faults(), state).toEqual([])
      change(`ip neigh replace ${address} lladdr 02:00:00:00:00:99 dev BRIDGE nud ${state}`)
      expect(await host.faults(), state).toEqual([
        expect.stringMatching(/has the noarp neighbour|1 neighbour not as in the directory/),
      ])
      await host.create(net)
      expect(await host.faults(), state).toEqual([])
      expect(cluster.ping('near', '10.1.0.1') && cluster.ping('near', '10.1.0.12'), state).toBe(true)
    }
  })
})
