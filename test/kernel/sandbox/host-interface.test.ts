import { execFileSync } from 'node:child_process'
import { assertCanBringIn, bringIn, mend, removeRest, takeBack } from '@conet/host/sandbox/index'
import { interfaceDifferences } from '@conet/host/sandbox/interface-differences'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { inventory, show } from '../../support/iproute.ts'
import {
  inside,
  ip,
  links,
  moved,
  path,
  sandboxes,
  shown,
  useHostInterfaces,
  wanted,
} from './host-interface-fixture.ts'

useHostInterfaces()

describe('an interface that the driver leaves to the host', () => {
  it('[D16] [C18] gets name, MAC, MTU, addresses, the link-local one of its MAC, routes, neighbours and sysctls in the sandbox', async () => {
    assertCanBringIn(path, [wanted])
    await bringIn(path, wanted, moved)
    expect(links()).not.toContain('src0')
    expect(shown('address show eth0')).toMatchObject([
      { address: wanted.macAddress, mtu: 1400, flags: expect.arrayContaining(['UP']) },
    ])
    const addresses = inside('ip -o address show eth0')
    for (const address of [...wanted.addresses, 'fe80::42:aff:fe5c:77/64'])
      expect(addresses).toContain(address)
    expect(shown('route show default')).toMatchObject([
      { gateway: '10.92.0.1', metric: 50, prefsrc: '10.92.0.77' },
    ])
    expect(shown('route show table 1000')).toMatchObject([{ dst: '192.0.2.0/24', gateway: '10.92.0.9' }])
    expect(shown('-N route show table 1001')).toMatchObject([{ dst: '192.0.2.9', scope: '254' }])
    expect(shown('-6 route show 2001:db8::/32')).toMatchObject([{ gateway: 'fd92::1', metric: 7 }])
    expect(shown('neighbour show nud permanent')).toMatchObject([
      { dst: '10.92.0.1', lladdr: '02:42:0a:5c:00:01' },
    ])
    expect(inside('cat /proc/sys/net/ipv4/conf/eth0/rp_filter /proc/sys/net/ipv4/ip_default_ttl')).toBe(
      '2\n61\n',
    )
    expect(execFileSync('cat', ['/proc/sys/net/ipv4/ip_default_ttl'], { encoding: 'utf8' })).toBe('64\n')
    await takeBack(path, wanted)
  })

  it('has IPv6 where it is switched off in the sandbox, and again when somebody switched it off', async () => {
    inside('sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1')
    const hasIpv6 = () => {
      expect(inside('ip -o -6 address show eth0')).toContain('fd92::77/64')
      expect(shown('-6 route show 2001:db8::/32')).toMatchObject([{ gateway: 'fd92::1', metric: 7 }])
    }
    await bringIn(path, wanted, moved)
    hasIpv6()
    inside('sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1')
    expect(inside('ip -o -6 address show eth0')).toBe('')
    await mend(path, wanted, { former: wanted })
    hasIpv6()
    await takeBack(path, wanted)
  })

  it('without IPv6 leaves it switched off', async () => {
    inside('sysctl -qw net.ipv6.conf.default.disable_ipv6=1')
    const onlyIpv4 = {
      ...wanted,
      addresses: wanted.addresses.slice(0, 1),
      routes: wanted.routes.slice(0, 4),
    }
    await bringIn(path, onlyIpv4, moved)
    expect(inside('sysctl -n net.ipv6.conf.eth0.disable_ipv6')).toBe('1\n')
    await takeBack(path, onlyIpv4)
  })

  it('of which nobody has said an MTU keeps the one it has, and that is what the host hears', async () => {
    ip('link', 'set', 'src0', 'mtu', '1312')
    const { mtu: _said, ...silent } = wanted
    expect(await bringIn(path, silent, moved)).toBe(1312)
    await takeBack(path, silent)
    expect(await bringIn(path, wanted, moved)).toBe(1400)
    await takeBack(path, wanted)
  })

  it('is moved back under its own name, down and without addresses, and that may be repeated', async () => {
    const before = inventory()
    await bringIn(path, wanted, moved)
    await takeBack(path, wanted)
    await takeBack(path, wanted)
    expect(show('ip address show src0')).toMatchObject([{ operstate: 'DOWN', addr_info: [] }])
    expect({ ...inventory(), links: links().sort() }).toEqual({ ...before, links: [...links()].sort() })
    expect(inside('ip link')).not.toContain('eth0')
  })

  it('is mended: what is missing is there again, what was said before and is not any more is gone', async () => {
    await bringIn(path, wanted, moved)
    inside('ip address flush dev eth0; ip link set eth0 down mtu 1300 address 02:00:00:00:00:01')
    inside('sysctl -qw net.ipv4.conf.eth0.rp_filter=0')
    const { routes, neighbours, ...rest } = wanted
    const changed = { ...rest, addresses: ['10.92.0.78/24'], routes: [routes[2]] }
    await mend(path, changed, { former: wanted })
    expect(inside('ip -o -4 address show eth0')).toMatch(/^\S+ eth0\s+inet 10.92.0.78\/24/)
    expect(inside('ip -o -6 address show eth0 scope global')).toBe('')
    expect(shown('address show eth0')).toMatchObject([
      { address: wanted.macAddress, mtu: 1400, flags: expect.arrayContaining(['UP']) },
    ])
    expect(inside('ip route show default; ip neighbour show nud permanent')).toBe('')
    expect(shown('route show table 1000')).toHaveLength(1)
    expect(inside('cat /proc/sys/net/ipv4/conf/eth0/rp_filter')).toBe('2\n')
    await mend(path, wanted, { former: changed })
    await takeBack(path, wanted)
  })

  it('gets its routes back beside another interface in the same subnets', async () => {
    inside('ip link add other type ifb; ip link set other up; ip address add 10.92.0.5/24 dev other')
    inside('ip address add fd92::5/64 dev other nodad')
    const beside = { ...wanted, routes: wanted.routes.slice(1) }
    await bringIn(path, beside, moved)
    const routes = () => inside('ip route show dev eth0; ip -6 route show dev eth0')
    const before = routes()
    inside('ip route del 10.92.0.0/24 dev eth0; ip -6 route del fd92::/64 dev eth0')
    await mend(path, beside, { former: beside })
    expect(routes().split('\n').sort()).toEqual(before.split('\n').sort())
    expect(inside('ip route show dev other')).toContain('10.92.0.0/24')
    await takeBack(path, beside)
  })

  it('gets back the routes by which it takes what is sent to its addresses, the link-local one too, and their source', async () => {
    await bringIn(path, wanted, moved)
    const routes = () =>
      inside('ip route show dev eth0 table all; ip -6 route show dev eth0 table all')
        .replaceAll(/ metric \d+| pref \w+/g, '')
        .split('\n')
        .filter((line) => !line.startsWith('anycast'))
        .sort()
    const before = routes()
    inside('ip link set lo up; ip route change 10.92.0.0/24 dev eth0 proto kernel scope link src 127.0.0.1')
    inside('ip route flush table local dev eth0; ip -6 route flush table local dev eth0')
    inside('ip -6 route del fe80::/64 dev eth0')
    await mend(path, wanted, { former: wanted })
    expect(routes()).toEqual(before)
    await takeBack(path, wanted)
  })

  it('gets them back also where its driver writes addresses in another way than the kernel', async () => {
    const written = { ...wanted, addresses: ['10.92.0.77/24', 'FD92:0::77/64'], routes: [] }
    await bringIn(path, written, moved)
    inside('ip -6 route del local fd92::77 dev eth0 table local')
    const lost = ['eth0 lacks route fd92::77/128 in the table local']
    expect(interfaceDifferences(path, [written])).toEqual(lost)
    await mend(path, written, { former: written })
    expect(interfaceDifferences(path, [written])).toEqual([])
    await takeBack(path, written)
  })

  it('has its addresses and routes with nothing else said of them again, once that is shown', async () => {
    const routes = [...wanted.routes.slice(1)]
    const plain = { ...wanted, routes }
    await bringIn(path, plain, moved)
    inside('ip link set lo up')
    const picture = () =>
      inside('ip -o address show eth0; ip route show table all; ip -6 route show table all')
        .replaceAll(/(inet6 \S+) metric 256/g, '$1')
        .split('\n')
        .sort()
    const before = picture()
    for (const [command, says] of [
      ['ip address change 10.92.0.77/24 dev eth0 metric 4000', 'address 10.92.0.77/24 with the metric 4000'],
      [
        'ip address del 10.92.0.77/24 dev eth0; ip address add 10.92.0.77/24 dev eth0 noprefixroute',
        'address 10.92.0.77/24 with noprefixroute',
      ],
      ['ip address change fd92::77/64 dev eth0 noprefixroute', 'with duplicate detection, noprefixroute'],
      ['ip address change fe80::42:aff:fe5c:77/64 dev eth0 metric 5', 'address fe80::42:aff:fe5c:77/64 with'],
      ['ip address del fe80::42:aff:fe5c:77/64 dev eth0', 'eth0 lacks address fe80::42:aff:fe5c:77/64'],
      [
        'ip route change default via 10.92.0.1 dev eth0 metric 50 src 10.92.0.77 mtu 1300',
        'mtu 1300 in route 0.0.0.0/0',
      ],
      [
        'ip -6 route change 2001:db8::/32 via fd92::1 dev eth0 metric 7 hoplimit 3',
        'hoplimit 3 in route 2001:db8::/32',
      ],
      [
        'ip route change 10.92.0.0/24 dev eth0 proto kernel scope link src 10.92.0.77 mtu 1300',
        'mtu 1300 in route 10.92.0.0/24',
      ],
    ] as const) {
      inside(command)
      expect(interfaceDifferences(path, [plain]).join(), command).toContain(says)
      await mend(path, plain, { former: plain })
      expect(interfaceDifferences(path, [plain]), command).toEqual([])
      expect(picture(), command).toEqual(before)
    }
    await takeBack(path, plain)
  })

  it('is mended also where its driver writes addresses and routes in another way than the kernel', async () => {
    const routes = [{ destination: '2001:DB8:0::/32', gateway: 'FD92::1', metric: 7 }]
    const written = { ...wanted, addresses: ['10.92.0.77/24', 'FD92:0::77/64'], routes }
    await bringIn(path, written, moved)
    await mend(path, written, { former: { ...wanted, routes: [] } })
    expect(interfaceDifferences(path, [written])).toEqual([])
    await takeBack(path, written)
  })

  it('is as it was after a mending that finds nothing to mend', async () => {
    const [, route] = wanted.routes
    for (const routes of [wanted.routes, [route]]) {
      await bringIn(path, { ...wanted, routes }, moved)
      // The kernel sets those of IPv6 addresses a little later.
      await eventually(() => {
        const local = inside('ip -6 route show table local')
        for (const address of ['fd92::77', 'fe80::42:aff:fe5c:77'])
          expect(local).toContain(`local ${address} `)
      })
      const before = inside('ip address; ip route show table all; ip -6 route show table all')
      await mend(path, { ...wanted, routes }, { former: { ...wanted, routes } })
      expect(inside('ip address; ip route show table all; ip -6 route show table all')).toBe(before)
      await takeBack(path, wanted)
    }
  })

  it('is brought in by the mending when it is out of the sandbox again', async () => {
    await mend(path, wanted)
    expect(inside('ip -o address show eth0')).toContain('10.92.0.77/24')
    await takeBack(path, wanted)
    ip('link', 'delete', 'src0')
    await expect(mend(path, wanted, { former: wanted })).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringMatching(/no src0 in the host's own .* unplug the endpoint and plug it again/),
    })
  })

  it.each<[string, object, object]>([
    [
      'an address that the kernel refuses',
      { addresses: ['224.0.0.1/4', '10.92.0.77/24'], mtu: 60000 },
      { name: 'KernelError' },
    ],
    [
      'a route over a gateway that it cannot reach',
      { routes: [{ destination: '10.9.0.0/16', gateway: '10.8.0.1' }] },
      { code: 'ENETUNREACH' },
    ],
    [
      'a setting that is not there',
      { sysctls: { 'net/ipv4/ip_default_ttl': '60', 'net/ipv4/conf/eth9/rp_filter': '2' } },
      { code: 'ENOENT' },
    ],
    [
      'a value that a setting does not take',
      { sysctls: { 'net/ipv4/ip_default_ttl': '60', 'net/ipv4/conf/eth0/rp_filter': 'x' } },
      { code: 'EINVAL' },
    ],
  ])('is back, and the sandbox as before, after %s', async (_what, change, error) => {
    const before = sandboxes.exec(
      'box',
      'ip address; ip route show table all; sysctl -a 2>/dev/null | grep ttl',
    )
    await expect(bringIn(path, { ...wanted, ...change }, moved)).rejects.toMatchObject(error)
    expect(links()).toContain('src0')
    expect(
      sandboxes.exec('box', 'ip address; ip route show table all; sysctl -a 2>/dev/null | grep ttl'),
    ).toBe(before)
  })

  it('is refused, and nothing is touched, when it is not there or its name is taken', async () => {
    const refused = (change: object) => {
      try {
        assertCanBringIn(path, [{ ...wanted, ...change }])
        return 'not refused'
      } catch (error) {
        return error
      }
    }
    expect(refused({ sourceName: 'nothing' })).toMatchObject({
      kind: 'protocolViolation',
      fields: [{ path: 'interfaces[0].sourceName' }],
    })
    inside('ip link add eth0 type ifb')
    expect(refused({})).toMatchObject({ kind: 'conflict' })
    await expect(bringIn(path, wanted, moved)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(links()).toContain('src0')
    expect(inside('ip -o link show')).not.toContain('src0')
  })

  it('does not take the route of another interface away', async () => {
    inside('ip link add other type ifb; ip link set other up; ip address add 10.1.0.2/24 dev other')
    inside('ip route add default via 10.1.0.1 metric 50')
    await expect(bringIn(path, wanted, moved)).rejects.toMatchObject({ kind: 'conflict' })
    expect(shown('route show default')).toMatchObject([{ dev: 'other' }])
    expect(links()).toContain('src0')
  })

  it('comes from the namespace that the driver names, and goes back there', async () => {
    const source = sandboxes.make('driver')
    ip('link', 'set', 'src0', 'netns', sandboxes.path('driver'))
    const foreign = { ...wanted, sourceNamespace: source.path }
    assertCanBringIn(path, [foreign])
    await bringIn(path, foreign, moved)
    expect(inside('ip -o address show eth0')).toContain('10.92.0.77/24')
    await takeBack(path, foreign)
    expect(sandboxes.exec('driver', 'ip -o link show src0')).toContain('src0')
  })

  it('goes with the namespace that it came from, as the kernel would have it', async () => {
    const gone = { ...wanted, sourceNamespace: sandboxes.path('gone') }
    await bringIn(path, wanted, moved)
    await takeBack(path, gone)
    expect([...links(), inside('ip link')].join()).not.toMatch(/src0|macvlan|eth0@/)
  })

  it.each<[string, () => string, string]>([
    ['the sandbox itself', () => path, 'is the sandbox itself'],
    ['nothing', () => '/nothing/there', 'is no network namespace'],
    ['a namespace of another type', () => '/proc/self/ns/uts', 'is no network namespace'],
    ['a directory', () => '/', 'is no network namespace'],
  ])('is refused from %s', async (_what, sourceNamespace, why) => {
    const from = { ...wanted, sourceNamespace: sourceNamespace() }
    expect(() => assertCanBringIn(path, [from])).toThrow(
      expect.objectContaining({ kind: 'protocolViolation' }),
    )
    await expect(bringIn(path, from, moved)).rejects.toThrow(why)
    expect(links()).toContain('src0')
  })

  it("is refused for the host's own namespace as the sandbox", async () => {
    await expect(bringIn('/proc/self/ns/net', wanted, moved)).rejects.toMatchObject({
      kind: 'invalidSandbox',
    })
    expect(links()).toContain('src0')
  })

  it('of the veth kind stays for its driver to delete, and goes afterwards if that did not', async () => {
    ip('link', 'add', 'port', 'type', 'veth', 'peer', 'name', 'src1')
    const veth = { ...wanted, sourceName: 'src1' }
    await bringIn(path, veth, moved)
    await takeBack(path, veth)
    expect(inside('ip -o link show eth0')).toContain('eth0')
    await removeRest(path, veth)
    expect(links()).not.toContain('port')
    await removeRest(path, veth)
  })

  it('is no reason to touch another one of its name', async () => {
    inside('ip link add eth0 type ifb')
    await takeBack(path, wanted)
    await removeRest(path, wanted)
    expect(inside('ip -o link show eth0')).toContain('eth0')
  })

  it('is gone with its sandbox: there is nothing to take back', async () => {
    await bringIn(path, wanted, moved)
    await takeBack('/nothing/there', wanted)
    await removeRest('/nothing/there', wanted)
    await takeBack(path, wanted)
  })
})
