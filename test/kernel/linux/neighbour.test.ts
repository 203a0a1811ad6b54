import {
  addForwardingEntry,
  addNeighbour,
  addNeighbourProxy,
  appendForwardingEntry,
  createBridge,
  createVeth,
  createVxlan,
  deleteForwardingEntry,
  deleteLink,
  deleteNeighbour,
  deleteNeighbourProxy,
  Rtnl,
  replaceForwardingEntry,
  replaceNeighbour,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inventory, show } from '../../support/iproute.ts'

const ANY_MAC = '00:00:00:00:00:00'

let rtnl: Rtnl
let bridge: number
let vxlan: number
let before: Record<string, unknown>

beforeEach(() => {
  before = inventory()
  rtnl = Rtnl.open()
  bridge = rtnl.create(createBridge({ name: 'br0', up: true })).index
  vxlan = rtnl.create(
    createVxlan({ name: 'vx0', vni: 7, port: 4789, master: bridge, learning: false, up: true }),
  ).index
})

afterEach(async () => {
  await rtnl.batchSlow(['vx0', 'a0', 'br0'].map(deleteLink), { tolerate: ['ENODEV'] })
  rtnl.close()
  expect(inventory()).toEqual(before)
})

describe('neighbours', () => {
  it('are permanent, of both families, once each', () => {
    const four = { link: bridge, address: '10.7.0.9', macAddress: '02:42:0a:07:00:09' }
    const six = { link: bridge, address: 'fd00:7::9', macAddress: '02:42:0a:07:00:0a' }
    rtnl.batch([addNeighbour(four), addNeighbour(six)])
    expect(show('ip neighbour show dev br0')).toEqual(
      expect.arrayContaining([
        { dst: '10.7.0.9', lladdr: '02:42:0a:07:00:09', state: ['PERMANENT'] },
        { dst: 'fd00:7::9', lladdr: '02:42:0a:07:00:0a', state: ['PERMANENT'] },
      ]),
    )
    expect(() => rtnl.run(addNeighbour(four))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    rtnl.run(replaceNeighbour({ ...four, macAddress: '02:42:0a:07:00:0b' }))
    expect(rtnl.neighbours({ link: bridge })).toEqual(
      expect.arrayContaining([
        {
          link: bridge,
          address: '10.7.0.9',
          macAddress: '02:42:0a:07:00:0b',
          state: 'permanent',
          proxy: false,
          externallyLearned: false,
        },
      ]),
    )
    rtnl.batch([deleteNeighbour(four), deleteNeighbour(six)])
    expect(rtnl.neighbours({ link: bridge }).filter(({ state }) => state === 'permanent')).toEqual([])
    expect(() => rtnl.run(deleteNeighbour(four))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  it('can be answered for', () => {
    const key = { link: bridge, address: '10.7.0.10' }
    rtnl.batch([addNeighbourProxy(key), addNeighbourProxy(key)])
    expect(show('ip neighbour show proxy')).toEqual([
      expect.objectContaining({ dst: '10.7.0.10', dev: 'br0' }),
    ])
    rtnl.run(deleteNeighbourProxy(key))
    expect(show('ip neighbour show proxy')).toEqual([])
  })
})

describe('forwarding entries', () => {
  it('of a vxlan lead to a tunnel end, and floods to several', () => {
    const entry = { link: vxlan, macAddress: '02:42:0a:07:00:01', destination: '192.0.2.1' }
    const flood = { link: vxlan, macAddress: ANY_MAC }
    rtnl.batch([
      addForwardingEntry({ ...entry, port: 4790, vni: 8 }),
      appendForwardingEntry({ ...flood, destination: '192.0.2.1' }),
      appendForwardingEntry({ ...flood, destination: '192.0.2.2' }),
    ])
    const shown = show('bridge fdb show dev vx0').filter(({ dst }) => dst !== undefined)
    expect(shown).toHaveLength(3)
    expect(shown).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          mac: '02:42:0a:07:00:01',
          dst: '192.0.2.1',
          port: 4790,
          vni: 8,
          flags: ['self'],
          state: 'permanent',
        }),
        expect.objectContaining({ mac: ANY_MAC, dst: '192.0.2.2' }),
      ]),
    )
    rtnl.batch([
      replaceForwardingEntry({ ...entry, destination: '192.0.2.3' }),
      deleteForwardingEntry({ ...flood, destination: '192.0.2.1' }),
    ])
    const found = rtnl.forwardingEntries({ link: vxlan }).filter(({ destination }) => destination)
    expect(found.map(({ macAddress, destination }) => [macAddress, destination])).toEqual(
      expect.arrayContaining([
        ['02:42:0a:07:00:01', '192.0.2.3'],
        [ANY_MAC, '192.0.2.2'],
      ]),
    )
    expect(found).toHaveLength(2)
    rtnl.run(deleteForwardingEntry({ ...flood, destination: '192.0.2.2' }))
    expect(() => rtnl.run(deleteForwardingEntry(flood))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  it('of a vxlan and of its bridge are set, and deleted, by one message', () => {
    const entry = {
      link: vxlan,
      macAddress: '02:42:0a:07:00:03',
      destination: '192.0.2.1',
      owner: 'both',
    } as const
    rtnl.run(replaceForwardingEntry(entry))
    const ofIt = () => show('bridge fdb show dev vx0').filter(({ mac }) => mac === entry.macAddress)
    expect(ofIt()).toEqual([
      expect.objectContaining({ master: 'br0', state: 'static' }),
      expect.objectContaining({ dst: '192.0.2.1', flags: ['self'], state: 'static' }),
    ])
    rtnl.run(deleteForwardingEntry(entry))
    expect(ofIt()).toEqual([])
  })

  it('of a bridge belong to one of its ports', () => {
    const { index: port } = rtnl.create(createVeth({ name: 'a0', master: bridge, peer: { name: 'b0' } }))
    const entry = { link: port, macAddress: '02:42:0a:07:00:02', owner: 'master' } as const
    rtnl.run(addForwardingEntry(entry))
    expect(show('bridge fdb show dev a0')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ mac: '02:42:0a:07:00:02', master: 'br0', state: 'static' }),
      ]),
    )
    expect(rtnl.forwardingEntries({ master: bridge })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          link: port,
          macAddress: '02:42:0a:07:00:02',
          master: bridge,
          permanent: true,
        }),
      ]),
    )
    rtnl.run(deleteForwardingEntry(entry))
    expect(show('bridge fdb show dev a0').map(({ mac }) => mac)).not.toContain('02:42:0a:07:00:02')
  })

  it("of a bridge's own MAC are local, and one is read by its MAC", () => {
    const macAddress = '02:42:0a:07:00:04'
    expect(rtnl.forwardingEntry({ bridge, macAddress })).toBeUndefined()
    const found = () => rtnl.forwardingEntry({ bridge, macAddress })
    rtnl.run(replaceForwardingEntry({ link: vxlan, macAddress, owner: 'master' }))
    expect(found()).toMatchObject({
      link: vxlan,
      master: bridge,
      vlan: undefined,
      permanent: true,
      local: false,
    })
    rtnl.run(replaceForwardingEntry({ link: bridge, macAddress }))
    expect(found()).toMatchObject({ link: bridge, master: bridge, permanent: true, local: true })
    expect(show('bridge fdb show br br0').filter(({ mac }) => mac === macAddress)).toEqual(
      expect.arrayContaining([expect.objectContaining({ ifname: 'br0', state: 'permanent' })]),
    )
    expect(() => rtnl.forwardingEntry({ bridge: 4242, macAddress })).toThrow(
      expect.objectContaining({ code: 'ENODEV' }),
    )
  })

  it('are added, read and deleted by the ten thousand', async () => {
    const entries = Array.from({ length: 10_000 }, (_, number) => ({
      link: vxlan,
      macAddress: `02:42:0b:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`,
      destination: `192.0.${number >> 8}.${number & 255}`,
    }))
    rtnl.batch(entries.map(addForwardingEntry))
    const found = rtnl.forwardingEntries({ link: vxlan }).filter(({ destination }) => destination)
    expect(found).toHaveLength(10_000)
    expect(new Set(found.map(({ macAddress }) => macAddress)).size).toBe(10_000)
    expect(show('bridge fdb show dev vx0').filter(({ dst }) => dst)).toHaveLength(10_000)
    let turns = 0
    const count = setInterval(() => {
      turns += 1
    }, 0)
    expect(await rtnl.forwardingEntriesSlow({ link: vxlan })).toEqual(rtnl.forwardingEntries({ link: vxlan }))
    clearInterval(count)
    expect(turns).toBeGreaterThan(1)
    await rtnl.batchSlow(entries.map(deleteForwardingEntry))
    expect(rtnl.forwardingEntries({ link: vxlan }).filter(({ destination }) => destination)).toEqual([])
  })
})
