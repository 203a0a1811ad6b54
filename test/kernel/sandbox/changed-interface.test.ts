import { bringIn, takeBack } from '@conet/host/sandbox/index'
import { describe, expect, it } from 'vitest'
import { show } from '../../support/iproute.ts'
import { inside, ip, links, moved, path, useHostInterfaces, wanted } from './host-interface-fixture.ts'

useHostInterfaces()

const back = { outcome: 'back' }

describe('an interface whose name another link at its source has', () => {
  it.each<[string, string]>([
    ['', 'src0-1'],
    [' and that was renamed in the sandbox', 'src0-1'],
    [' and so has one with a number', 'src0-2'],
  ])('goes back with a number behind, down and without addresses%s', async (and, name) => {
    await bringIn(path, wanted, moved)
    ip('link', 'add', 'src0', 'type', 'ifb')
    if (and.includes('renamed')) inside('ip link set eth0 name xx0')
    if (and.includes('number')) ip('link', 'add', 'src0-1', 'type', 'ifb')
    try {
      expect(await takeBack(path, wanted)).toEqual({ outcome: 'renamed', name })
      expect(show(`ip -d address show ${name}`)).toMatchObject([
        { operstate: 'DOWN', addr_info: [], linkinfo: { info_kind: 'macvlan' } },
      ])
      expect(inside('ip -o link')).not.toMatch(/eth0|xx0/)
      expect(await takeBack(path, wanted)).toEqual(back)
    } finally {
      for (const one of links().map(String)) if (one.startsWith('src0')) ip('link', 'delete', one)
    }
  })

  it('goes back under as much of a long name as fits, counted in bytes', async () => {
    const sourceName = 'söurce-of-all-1'.slice(0, 14)
    ip('link', 'set', 'src0', 'name', sourceName)
    const long = { ...wanted, sourceName }
    await bringIn(path, long, moved)
    ip('link', 'add', sourceName, 'type', 'ifb')
    try {
      expect(await takeBack(path, long)).toEqual({ outcome: 'renamed', name: 'söurce-of-al-1' })
    } finally {
      ip('link', 'delete', sourceName)
    }
  })

  it('goes back also where only its MAC tells: it is of no kind that comes from outside', async () => {
    ip('tuntap', 'add', 'src2', 'mode', 'tap')
    const plain = { ...wanted, sourceName: 'src2' }
    await bringIn(path, plain, moved)
    ip('link', 'add', 'src2', 'type', 'ifb')
    expect(await takeBack(path, plain)).toEqual({ outcome: 'renamed', name: 'src2-1' })
    for (const made of ['src2', 'src2-1']) ip('link', 'delete', String(made))
  })

  it('stays, and is named, where its MAC was changed too', async () => {
    await bringIn(path, wanted, moved)
    ip('link', 'add', 'src0', 'type', 'ifb')
    inside('ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:01')
    expect(await takeBack(path, wanted)).toEqual({ outcome: 'unrecognised', links: ['eth0'] })
    expect(links()).toContain('src0')
    ip('link', 'delete', 'src0')
    expect(await takeBack(path, wanted)).toEqual(back)
  })

  it('is not what the container has made, though that has its name and MAC', async () => {
    ip('link', 'set', 'src0', 'address', wanted.macAddress)
    inside(`ip link add eth0 address ${wanted.macAddress} type ifb`)
    expect(await takeBack(path, wanted)).toEqual(back)
    expect(inside('ip -o link show eth0')).toContain('eth0')
  })
})

describe('an interface whose name and MAC were both changed in the sandbox', () => {
  const change = 'ip link set eth0 down; ip link set eth0 name zz address 02:00:00:00:00:01'

  it('stays, and is named, with what else it may be', async () => {
    await bringIn(path, wanted, moved)
    inside(`${change}; ip link add own type bridge; ip link add other type ifb; ip link add known type ifb`)
    const taken = await takeBack(path, wanted, new Set(['known', 'eth0']))
    expect(taken).toEqual({ outcome: 'unrecognised', links: expect.arrayContaining(['other', 'zz']) })
    for (const known of ['known', 'own'])
      expect(taken).not.toMatchObject({ links: expect.arrayContaining([known]) })
    expect(inside('ip -o link show zz')).toContain('zz')
  })

  it('is named also where its name at its source is taken', async () => {
    await bringIn(path, wanted, moved)
    inside(`${change}; ip link add own type bridge`)
    ip('link', 'add', 'src0', 'type', 'ifb')
    expect(await takeBack(path, wanted)).toEqual({ outcome: 'unrecognised', links: ['zz'] })
    ip('link', 'delete', 'src0')
  })

  it('is not looked for among links of the container where it was never moved, or is back, or is deleted', async () => {
    inside('ip link add own type bridge')
    expect(await takeBack(path, wanted)).toEqual(back)
    await bringIn(path, wanted, moved)
    expect(await takeBack(path, wanted)).toEqual(back)
    expect(await takeBack(path, wanted)).toEqual(back)
    inside('ip link delete own')
    await bringIn(path, wanted, moved)
    inside('ip link delete eth0')
    expect(await takeBack(path, wanted)).toEqual(back)
  })
})
