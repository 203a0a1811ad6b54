import { describe, expect, it } from 'vitest'
import { BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'

const addresses = ['10.1.0.2/16', 'fd00:1::2/64']

/** Has the outside forget how to reach the networks: only answers to the machine's own addresses arrive. */
function forgetNetworks(fixture: BridgeFixture): void {
  fixture.exec('outside', 'ip route del 10.0.0.0/8; ip -6 route del fd00::/8')
}

describe('the way out', () => {
  it('carries the address of the machine with masquerade, also where forwarding was off', async () => {
    sh('echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding')
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    forgetNetworks(fixture)
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', { addresses })
    expect(fixture.ping('a', '192.0.2.2')).toBe(true)
    expect(fixture.ping('a', '2001:db8::2')).toBe(true)
  })

  it('cannot be walked inwards with masquerade', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', { addresses })
    expect(fixture.cannotPing('outside', '10.1.0.2')).toBe(true)
    expect(fixture.cannotPing('outside', 'fd00:1::2')).toBe(true)
  })

  it('without masquerade shows the own address outside, and can be walked inwards', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    const net = await fixture.create(network('one', { config: { masquerade: false } }))
    await fixture.join(net, 'a', { addresses })
    expect(fixture.ping('outside', '10.1.0.2')).toBe(true)
    expect(fixture.ping('outside', 'fd00:1::2')).toBe(true)
    expect(fixture.ping('a', '192.0.2.2')).toBe(true)
    forgetNetworks(fixture)
    expect(fixture.cannotPing('a', '192.0.2.2')).toBe(true)
  })

  it('does not keep the machine from hearing router advertisements', async () => {
    sh('echo 0 >/proc/sys/net/ipv6/conf/all/forwarding')
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    sh('echo 1 >/proc/sys/net/ipv6/conf/up0/accept_ra; echo 0 >/proc/sys/net/ipv6/conf/lo/accept_ra')
    await fixture.create(network('one'))
    expect(sh('cd /proc/sys/net/ipv6/conf; cat all/forwarding up0/accept_ra lo/accept_ra')).toBe('1\n2\n0\n')
  })

  it('is left alone by an internal network: forwarding stays off', async () => {
    sh('echo 0 >/proc/sys/net/ipv4/ip_forward')
    await using fixture = await BridgeFixture.start()
    await fixture.create(network('inner', { internal: true, subnets: [{ subnet: '10.1.0.0/16' }] }))
    expect(sh('cat /proc/sys/net/ipv4/ip_forward')).toBe('0\n')
  })
})

describe('the MTU', () => {
  it('is that of the way out, and packets of that size pass', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    sh('ip link set up0 mtu 9000; ip route add default via 192.0.2.2')
    fixture.exec('outside', 'ip link set eth0 mtu 9000')
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', { addresses })
    await fixture.join(net, 'b', { addresses: ['10.1.0.3/16'] })
    expect(fixture.link(bridgeNameOf(net))).toMatchObject({ mtu: 9000 })
    expect(fixture.ping('a', '10.1.0.3', '-M do -s 8972')).toBe(true)
    expect(fixture.ping('a', '192.0.2.2', '-M do -s 8972')).toBe(true)
    expect(fixture.cannotPing('a', '10.1.0.3', '-M do -s 8973')).toBe(true)
  })

  it('of an interface is no larger than that of the network, unless it was plugged when that was larger', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    sh('ip link set up0 mtu 9000; ip route add default via 192.0.2.2')
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', { addresses, mtu: 9000 })
    const others = { addresses: ['10.1.0.3/16'], mtu: 9001 }
    const message = 'must be at most 9000, the MTU of the network: larger packets are lost'
    await expect(fixture.join(net, 'b', others)).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: [{ path: 'interface.mtu', message }],
    })
    sh('ip link set up0 mtu 1500')
    await fixture.restartDriver()
    await fixture.create(net)
    await fixture.plug(params)
    expect(fixture.link(bridgeNameOf(net))).toMatchObject({ mtu: 1500 })
    expect(fixture.exec('a', 'ip link show eth0')).toContain('mtu 9000')
    expect(fixture.exec('b', 'ip link')).not.toContain('eth0')
  })

  it('is what the configuration says, whatever the ports have', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one', { config: { mtu: 1400 } }))
    const { interface: wanted } = await fixture.join(net, 'a', { addresses, mtu: 1300 })
    expect(wanted.mtu).toBe(1300)
    expect(fixture.link(bridgeNameOf(net))).toMatchObject({ mtu: 1400 })
    await fixture.join(net, 'b', { addresses: ['10.1.0.3/16'] })
    expect(fixture.exec('a', 'ip link show eth0')).toContain('mtu 1300')
    expect(fixture.exec('b', 'ip link show eth0')).toContain('mtu 1400')
  })
})
