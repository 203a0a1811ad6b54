import { createHash } from 'node:crypto'
import type { Network, Params, Peer } from '@conet/sdk'
import { macOfNetwork } from '@conet/sdk/bridge-network'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bridgeNameOf, idOf, network, tunnelNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

let cluster: VxlanCluster
let host: VxlanHost
let net: Network
let networks = 0

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 1 })
  host = cluster.host(1)
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

beforeEach(async () => {
  networks += 1
  net = await cluster.create(network(`blue${networks}`))
})

afterEach(() => host.delete(net))

function peer(number: number, tunnelAddress = '192.0.2.2'): Peer {
  const [high, low] = [number >> 8, number & 0xff]
  const hex = [high, low].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
  return {
    endpointId: createHash('sha256').update(`peer ${number}`).digest('hex'),
    macAddress: `02:42:10:00:${hex}`,
    addresses: [`10.1.${high}.${low}`, `fd00:1::${number.toString(16)}`],
    tunnelAddress,
  }
}

function tell(changes: Partial<Params<'network/peers'>>, { timeoutMs = 20_000 } = {}) {
  const batch = { networkId: net.id, base: null, version: '1', more: false, remove: [], set: [], ...changes }
  return host.client.call('network/peers', batch, { timeoutMs, budgetMs: timeoutMs })
}

/** The kernel's tables as other programs show them. */
function tables(): { tunnel: string[]; bridge: string[]; neighbours: string[] } {
  const fdb = host.show(`bridge fdb show dev ${tunnelNameOf(net)}`)
  const neighbours = host.show(`ip neighbour show dev ${bridgeNameOf(net)} nud permanent`)
  return {
    tunnel: fdb
      .filter(({ dst }) => dst !== undefined)
      .map(({ mac, dst }) => `${mac} ${dst}`)
      .sort(),
    bridge: fdb
      .filter(({ master, state }) => master !== undefined && state === 'static')
      .map(({ mac }) => String(mac))
      .sort(),
    neighbours: neighbours.map(({ dst, lladdr }) => `${dst} ${lladdr}`).sort(),
  }
}

function tablesOf(...peers: Peer[]): ReturnType<typeof tables> {
  return {
    tunnel: peers.map(({ macAddress, tunnelAddress }) => `${macAddress} ${tunnelAddress}`).sort(),
    bridge: peers.map(({ macAddress }) => macAddress).sort(),
    neighbours: peers
      .flatMap(({ addresses, macAddress }) => addresses.map((address) => `${address} ${macAddress}`))
      .sort(),
  }
}

describe('peers of a vxlan network', () => {
  it('are in the tables of tunnel, bridge and neighbours, and each change changes what it names', async () => {
    await tell({ version: '1', set: [peer(1), peer(2)] })
    expect(tables()).toEqual(tablesOf(peer(1), peer(2)))
    const moved = { ...peer(2), addresses: ['10.1.9.9'], tunnelAddress: '192.0.2.3' }
    expect(
      await tell({ base: '1', version: '2', remove: [peer(1).endpointId], set: [moved, peer(3)] }),
    ).toEqual({ version: '2' })
    expect(tables()).toEqual(tablesOf(moved, peer(3)))
    await expect(tell({ base: '7', version: '8', set: [peer(4)] })).rejects.toMatchObject({
      kind: 'peersGap',
      details: { held: '2' },
    })
    expect(tables()).toEqual(tablesOf(moved, peer(3)))
  })

  it('of a snapshot in several batches stay until its end, and then those that it lacks go', async () => {
    await tell({ version: '1', set: [peer(1), peer(2), peer(3)] })
    await tell({ version: '2/1', more: true, set: [peer(2)] })
    await tell({ base: '2/1', version: '2/2', more: true, set: [peer(4)] })
    expect(tables()).toEqual(tablesOf(peer(1), peer(2), peer(3), peer(4)))
    await tell({ base: '2/2', version: '2', set: [] })
    expect(tables()).toEqual(tablesOf(peer(2), peer(4)))
  })

  it('are refused whole when one of them is wrong, with the field, and when two want the same', async () => {
    await tell({ version: '1', set: [peer(1)] })
    const wrong: [Partial<Peer>, string][] = [
      [{ tunnelAddress: '2001:db8::2' }, 'set[1].tunnelAddress'],
      [{ tunnelAddress: '192.0.2.1' }, 'set[1].tunnelAddress'],
      [{ macAddress: '01:00:5e:00:00:01' }, 'set[1].macAddress'],
      [{ macAddress: macOfNetwork(net.id) }, 'set[1].macAddress'],
      [{ addresses: ['10.1.0.300'] }, 'set[1].addresses[0]'],
    ]
    for (const [change, path] of wrong) {
      const set = [peer(2), { ...peer(3), ...change }]
      await expect(tell({ base: '1', version: '2', set })).rejects.toMatchObject({
        kind: 'invalidArgument',
        fields: [expect.objectContaining({ path })],
      })
    }
    const twin = { ...peer(2), macAddress: peer(1).macAddress }
    await expect(tell({ base: '1', version: '2', set: [twin] })).rejects.toMatchObject({ kind: 'conflict' })
    expect(tables()).toEqual(tablesOf(peer(1)))
    await expect(tell({ networkId: idOf('nowhere') })).rejects.toMatchObject({ kind: 'failedPrecondition' })
  })

  it('that had the MAC of an endpoint here for a moment leave it reachable, as where a container moves to another host', async () => {
    const here = await cluster.join(1, net, `moved${networks}`, 33)
    const there = { ...peer(1), macAddress: here.interface.macAddress }
    await tell({ version: '1', set: [there, peer(2)] })
    await tell({ base: '1', version: '2', remove: [there.endpointId] })
    expect(await host.endpointFaults()).toEqual([])
    await tell({ version: '3', set: [there] })
    await tell({ version: '4', set: [peer(2)] })
    expect(await host.endpointFaults()).toEqual([])
    expect(tables()).toEqual(tablesOf(peer(2)))
    await host.remove(here)
  })

  it('10,000 of them, stale after a crash of the driver, are swept by the first snapshot', async () => {
    const entries = () => Number(host.exec(`bridge fdb show dev ${tunnelNameOf(net)} | grep -c dst`))
    const many = Array.from({ length: 10_000 }, (_, index) => peer(index + 1))
    await tell({ set: many })
    expect(entries()).toBe(10_000)
    await host.restart('SIGKILL')
    expect(entries(), 'until it knows better the driver leaves them').toBe(10_000)
    const kept = [peer(7), peer(20_000)]
    await tell({ version: '2', set: kept })
    expect(tables()).toEqual(tablesOf(...kept))
  })

  it('that somebody took away or added are faults of the network, and mended when it is asked for again', async () => {
    await tell({ set: [peer(1), peer(2)] })
    expect(await host.faults()).toEqual([])
    const [tunnel, bridge] = [tunnelNameOf(net), bridgeNameOf(net)]
    host.exec(
      `bridge fdb del ${peer(1).macAddress} dev ${tunnel} self; ip neigh del ${peer(2).addresses[0]} dev ${bridge}
       bridge fdb replace ${peer(2).macAddress} dev ${tunnel} self dst 192.0.2.77
       bridge fdb append 00:00:00:00:00:00 dev ${tunnel} dst 192.0.2.8
       ip neigh add 10.1.44.44 lladdr 02:00:00:00:00:44 dev ${bridge} nud permanent`,
    )
    expect(await host.faults()).toEqual([
      expect.stringMatching(
        /: 3 forwarding entries not as in the directory, such as .*: 2 neighbours not as in the directory, such as /,
      ),
    ])
    await host.create(net)
    expect(tables()).toEqual(tablesOf(peer(1), peer(2)))
    expect(await host.faults()).toEqual([])
  })

  it.each([
    [
      'bridge fdb replace MAC dev TUNNEL self dst 192.0.2.77',
      'MAC, which has 192.0.2.77 instead of 192.0.2.2',
    ],
    ['bridge fdb del MAC dev TUNNEL self', 'MAC, of which there is half, or too much'],
    [
      'bridge fdb del MAC dev TUNNEL self; bridge fdb del MAC dev TUNNEL master',
      'MAC, which lacks 192.0.2.2',
    ],
    ['bridge fdb append 02:00:00:00:00:77 dev TUNNEL dst 192.0.2.8', '02:00:00:00:00:77, which nobody has'],
    [
      'ip neigh replace 10.1.0.1 lladdr 02:00:00:00:00:44 dev BRIDGE',
      '10.1.0.1, which has 02:00:00:00:00:44 instead of MAC',
    ],
  ] as const)('one that is wrong is named: %s', async (command, fault) => {
    await tell({ set: [peer(1)] })
    const words: Record<string, string> = {
      MAC: peer(1).macAddress,
      TUNNEL: tunnelNameOf(net),
      BRIDGE: bridgeNameOf(net),
    }
    const inWords = (text: string) => text.replace(/MAC|TUNNEL|BRIDGE/g, (word) => words[word] ?? '')
    host.exec(inWords(command))
    expect(await host.faults()).toEqual([expect.stringContaining(inWords(fault))])
  })

  it.each([
    [
      'goes out by an interface of its own',
      'bridge fdb replace MAC dev TUNNEL dst 192.0.2.2 via lo self static',
    ],
    ['ages', 'bridge fdb replace MAC dev TUNNEL dst 192.0.2.2 self dynamic'],
    ['ages in the bridge', 'bridge fdb replace MAC dev TUNNEL master dynamic'],
    ['is sticky in the bridge', 'bridge fdb replace MAC dev TUNNEL master static sticky'],
    ['is routed', 'bridge fdb replace MAC dev TUNNEL dst 192.0.2.2 self static router'],
    [
      "is another program's",
      'bridge fdb del MAC dev TUNNEL self; bridge fdb add MAC dev TUNNEL dst 192.0.2.2 self static extern_learn',
    ],
    [
      "is another program's in the bridge",
      'bridge fdb del MAC dev TUNNEL master; bridge fdb add MAC dev TUNNEL master static extern_learn',
    ],
    [
      'leads to a nexthop',
      'ip nexthop add id 7 via 192.0.2.2 fdb; ip nexthop add id 8 group 7 fdb; bridge fdb del MAC dev TUNNEL self; bridge fdb add MAC dev TUNNEL nhid 8 self static',
    ],
    [
      'leads to a nexthop and is not in the bridge',
      'ip nexthop add id 7 via 192.0.2.2 fdb; ip nexthop add id 8 group 7 fdb; bridge fdb del MAC dev TUNNEL self; bridge fdb add MAC dev TUNNEL nhid 8 self static; bridge fdb del MAC dev TUNNEL master',
    ],
    [
      'leads to a nexthop and ages in the bridge',
      'ip nexthop add id 7 via 192.0.2.2 fdb; ip nexthop add id 8 group 7 fdb; bridge fdb del MAC dev TUNNEL self; bridge fdb add MAC dev TUNNEL nhid 8 self static; bridge fdb replace MAC dev TUNNEL master dynamic',
    ],
    [
      'is a neighbour of another program',
      'ip neigh replace 10.1.0.1 lladdr MAC dev BRIDGE nud permanent extern_learn',
    ],
  ] as const)(
    'one that %s is found, and mended when its network is asked for again',
    async (_what, command) => {
      await tell({ set: [peer(1), peer(2)] })
      const [tunnel, bridge] = [tunnelNameOf(net), bridgeNameOf(net)]
      const shown = () =>
        host.exec(`bridge fdb show dev ${tunnel} | sort; ip neigh show dev ${bridge} nud permanent | sort`)
      const before = shown()
      const words: Record<string, string> = { MAC: peer(1).macAddress, TUNNEL: tunnel, BRIDGE: bridge }
      host.exec(command.replace(/MAC|TUNNEL|BRIDGE/g, (word) => words[word] ?? ''))
      try {
        expect(shown()).not.toBe(before)
        expect(await host.faults()).toEqual([
          expect.stringMatching(/: 1 (forwarding entry|neighbour) not as/),
        ])
        await host.create(net)
        expect(shown()).toBe(before)
        expect(await host.faults()).toEqual([])
      } finally {
        host.exec('ip nexthop flush')
      }
    },
  )

  it('are faults of nobody while 10,000 of them are being told', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => peer(index + 1))
    await tell({ version: '1', set: many.slice(0, 100) })
    const told = tell({ base: '1', version: '2', set: many.slice(100) })
    expect(await host.faults()).toEqual([])
    await told
    expect(await host.faults(), 'what was written is what is found').toEqual([])
    host.exec(`bridge fdb del ${peer(7).macAddress} dev ${tunnelNameOf(net)} self`)
    expect(await host.faults()).toEqual([expect.stringContaining(`: 1 forwarding entry not as`)])
  })
})
