import { bringIn, mend, removeRest, takeBack } from '@conet/host/sandbox/index'
import { interfaceDifferences } from '@conet/host/sandbox/interface-differences'
import { describe, expect, it } from 'vitest'
import { inside, ip, moved, path, shown, useHostInterfaces, wanted } from './host-interface-fixture.ts'

useHostInterfaces()

describe('an interface that the driver leaves to the host', () => {
  const pair = () => {
    ip('link', 'add', 'port', 'type', 'veth', 'peer', 'name', 'src1')
    return { ...wanted, sourceName: 'src1' }
  }

  it.each<[string, () => typeof wanted | ReturnType<typeof pair>]>([
    ['a macvlan', () => wanted],
    ['a veth', pair],
  ])('has its name back when somebody has renamed it in the sandbox: %s', async (_kind, make) => {
    const made = make()
    await bringIn(path, made, moved)
    const index = () => shown('link show eth0')[0]?.ifindex
    const before = index()
    inside(`ip link set eth0 name xx0; ip link add own address ${made.macAddress} type bridge`)
    inside('ip link set xx0 master own')
    await mend(path, made, { former: made })
    expect(index()).toBe(before)
    expect(interfaceDifferences(path, [made])).toEqual([])
    expect(inside('ip -o link')).not.toContain('xx0:')
    inside('ip link set eth0 name xx0')
    await takeBack(path, made)
    await removeRest(path, made)
    expect(inside('ip -o link')).not.toContain('xx0')
  })

  it('is not looked for among what the container has made, or what is somebody else’s', async () => {
    await bringIn(path, wanted, moved)
    inside('ip link set eth0 name xx0')
    const lost = { kind: 'failedPrecondition' }
    await expect(mend(path, wanted, { others: new Set(['xx0']) })).rejects.toMatchObject(lost)
    inside(`ip link delete xx0; ip link add own address ${wanted.macAddress} type ifb`)
    await expect(mend(path, wanted)).rejects.toMatchObject(lost)
    await takeBack(path, wanted)
    await removeRest(path, wanted)
    expect(inside('ip -o link show own')).toContain('own')
  })

  it('is not chosen from two with its MAC', async () => {
    await bringIn(path, wanted, moved)
    inside('ip link set eth0 name xx0')
    ip('link', 'add', 'link', 'parent', 'name', 'src2', 'type', 'macvlan', 'mode', 'bridge')
    ip('link', 'set', 'src2', 'netns', path)
    inside('ip link set xx0 down')
    inside(`ip link set src2 address ${wanted.macAddress}`)
    await expect(mend(path, wanted)).rejects.toMatchObject({ kind: 'failedPrecondition' })
    inside('ip link delete src2')
    await mend(path, wanted)
    expect(interfaceDifferences(path, [wanted])).toEqual([])
    await takeBack(path, wanted)
  })

  it('stays renamed, and is told of, while another link in the sandbox has its name', async () => {
    await bringIn(path, wanted, moved)
    inside('ip link set eth0 name xx0; ip link add eth0 type ifb')
    await expect(mend(path, wanted)).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining('it is called xx0 in the container'),
    })
    inside('ip link delete eth0')
    await mend(path, wanted)
    expect(interfaceDifferences(path, [wanted])).toEqual([])
    await takeBack(path, wanted)
  })
})
