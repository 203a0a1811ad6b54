// Links that are there: what can be changed of them, and how they go.
import {
  createBridge,
  createIfb,
  createVeth,
  deleteLink,
  deleteLinkGroup,
  Rtnl,
  setBridge,
  setBridgePort,
  setLink,
} from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'
import { showOne } from '../../support/iproute.ts'
import { countOpenFiles } from '../../support/open-files.ts'
import { temporaryNamespace } from '../../support/temporary-namespace.ts'
import { connectForEachTest, namesOf } from './links-fixture.ts'

let rtnl: Rtnl

connectForEachTest((opened) => {
  rtnl = opened
})

describe('a link that is there', () => {
  it('takes every change, each of them twice', () => {
    const bridge = rtnl.create(createBridge({ name: 'br0' }))
    const { index } = rtnl.create(createVeth({ name: 'a0', peer: { name: 'b0' } }))
    const change = setLink(index, {
      up: true,
      master: bridge.index,
      mtu: 1280,
      macAddress: '02:00:00:00:00:09',
      alias: 'made by a test',
      group: 99,
    })
    for (const _ of [1, 2]) rtnl.run(change)
    rtnl.run(setLink(index, { name: 'renamed' }))
    const shown = showOne('ip -d link show renamed')
    expect(shown).toMatchObject({
      ifindex: index,
      master: 'br0',
      mtu: 1280,
      address: '02:00:00:00:00:09',
      ifalias: 'made by a test',
      group: '99',
      flags: expect.arrayContaining(['UP']),
    })
    expect(rtnl.link('renamed')).toMatchObject({ alias: 'made by a test', master: bridge.index })
    rtnl.run(setLink('renamed', { up: false, master: 0 }))
    expect(rtnl.link('renamed')).toMatchObject({ isUp: false, master: undefined })
  })

  it('moves to another namespace under a new name', () => {
    using sandbox = temporaryNamespace()
    const { index } = rtnl.create(createVeth({ name: 'a0', peer: { name: 'b0' } }))
    rtnl.run(setLink(index, { namespace: sandbox.namespace, name: 'eth7' }))
    expect(rtnl.link('a0')).toBeUndefined()
    expect(showOne('ip link show eth7', sandbox.namespace)).toMatchObject({
      link_netnsid: expect.any(Number),
    })
  })

  it('takes the flags of a bridge port', () => {
    const { index: master } = rtnl.create(createBridge({ name: 'br0' }))
    rtnl.run(createVeth({ name: 'a0', master, peer: { name: 'b0' } }))
    const flags = {
      isolated: true,
      hairpin: true,
      learning: false,
      neighbourSuppression: true,
      unicastFlood: false,
      multicastFlood: false,
      broadcastFlood: false,
    }
    rtnl.run(setBridgePort('a0', flags))
    expect(showOne('bridge -d link show dev a0')).toMatchObject({
      isolated: true,
      hairpin: true,
      learning: false,
      neigh_suppress: true,
      flood: false,
      mcast_flood: false,
      bcast_flood: false,
    })
    expect(rtnl.link('a0')?.bridgePort).toMatchObject(flags)
    rtnl.run(setBridgePort('a0', { isolated: false }))
    expect(rtnl.link('a0')?.bridgePort).toMatchObject({ ...flags, isolated: false })
  })
})

it('a bridge that is up takes new settings, and keeps those that are not named', () => {
  rtnl.run(createBridge({ name: 'br0', up: true, multicastSnooping: true, ageingSeconds: 60 }))
  for (const _ of [1, 2]) rtnl.run(setBridge('br0', { multicastSnooping: false, spanningTree: false }))
  expect(showOne('ip -d link show br0')).toMatchObject({
    flags: expect.arrayContaining(['UP']),
    linkinfo: { info_data: { mcast_snooping: 0, ageing_time: 6000 } },
  })
  expect(() => rtnl.run(setBridge('nosuch', { ageingSeconds: 1 }))).toThrow(
    expect.objectContaining({ code: 'ENODEV', operation: 'set ageingSeconds of bridge nosuch' }),
  )
})

describe('deleting', () => {
  it('a group deletes its links and no other, without holding up the event loop', async () => {
    rtnl.batch(
      Array.from({ length: 20 }, (_, number) =>
        createVeth({ name: `v${number}`, group: number < 15 ? 31 : 32, peer: { name: `p${number}` } }),
      ),
    )
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    await rtnl.runSlow(deleteLinkGroup(31))
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(2)
    expect(rtnl.links({ group: 31 })).toEqual([])
    expect(rtnl.links({ group: 32 })).toHaveLength(5)
    await expect(rtnl.runSlow(deleteLinkGroup(31))).rejects.toMatchObject({ code: 'ENODEV' })
  })

  it('group 0, in which all links start, is refused', () => {
    expect(() => deleteLinkGroup(0)).toThrow('refuse to delete link group 0')
  })

  it('slow requests asked for before close still happen, and none after', async () => {
    rtnl.run(createVeth({ name: 'a0', peer: { name: 'b0' } }))
    const other = Rtnl.open()
    const deletion = other.runSlow(deleteLink('a0'))
    other.close()
    await deletion
    expect(rtnl.link('a0')).toBeUndefined()
    await expect(other.runSlow(deleteLink('b0'))).rejects.toThrow('closed')
  })

  it('a slow request that was aborted before its turn is not sent', async () => {
    rtnl.batch(['a', 'c'].map((name) => createVeth({ name, peer: { name: `${name}-peer` } })))
    const controller = new AbortController()
    const first = rtnl.runSlow(deleteLink('a'))
    const second = rtnl.runSlow(deleteLink('c'), { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    await first
    expect(namesOf(rtnl.links({ kind: 'veth' }))).toEqual(['c', 'c-peer'])
  })
})

it('a connection to a sandbox opens a second socket with its first slow request, where the first one is', async () => {
  using sandbox = temporaryNamespace()
  const before = countOpenFiles(/^socket:/)
  using inside = Rtnl.openIn(sandbox.namespace)
  inside.create(createIfb({ name: 'ifb7' }))
  expect(countOpenFiles(/^socket:/)).toBe(before + 1)
  await inside.runSlow(deleteLink('ifb7'))
  expect(namesOf(inside.links())).toEqual(['lo'])
  expect(countOpenFiles(/^socket:/)).toBe(before + 2)
})
