import { describe, expect, it } from 'vitest'
import { BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'

const second = [
  { subnet: '10.2.0.0/16', gateway: '10.2.0.1' },
  { subnet: 'fd00:2::/64', gateway: 'fd00:2::1' },
]

/** A server of one datagram would do; a listening TCP port answers whoever gets through. */
const members = { a: ['10.1.0.2/16', 'fd00:1::2/64'], b: ['10.1.0.3/16', 'fd00:1::3/64'] }

function setBridgeFiltering(value: 0 | 1): void {
  sh(`echo ${value} >/proc/sys/net/bridge/bridge-nf-call-iptables
      echo ${value} >/proc/sys/net/bridge/bridge-nf-call-ip6tables`)
}

describe('isolation', () => {
  it('keeps two networks apart, both ways and both families', async () => {
    await using fixture = await BridgeFixture.start()
    const one = await fixture.create(network('one'))
    const two = await fixture.create(network('two', { subnets: second }))
    await fixture.join(one, 'a', { addresses: members.a })
    await fixture.join(two, 'c', { addresses: ['10.2.0.2/16', 'fd00:2::2/64'] })
    expect(fixture.cannotPing('a', '10.2.0.2')).toBe(true)
    expect(fixture.cannotPing('a', 'fd00:2::2')).toBe(true)
    expect(fixture.cannotPing('c', '10.1.0.2')).toBe(true)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('keeps a routed network from the other networks of the machine', async () => {
    await using fixture = await BridgeFixture.start()
    const routed = await fixture.create(network('one', { config: { masquerade: false } }))
    const two = await fixture.create(network('two', { subnets: second }))
    await fixture.join(routed, 'a', { addresses: members.a })
    await fixture.join(two, 'c', { addresses: ['10.2.0.2/16'] })
    expect(fixture.cannotPing('c', '10.1.0.2')).toBe(true)
    expect(fixture.cannotPing('a', '10.2.0.2')).toBe(true)
  })

  it('keeps a routed network from the interfaces of other drivers of conet', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    const routed = await fixture.create(network('one', { config: { masquerade: false } }))
    await fixture.join(routed, 'a', { addresses: members.a })
    expect(fixture.ping('outside', '10.1.0.2')).toBe(true)
    sh('ip link set up0 name cnx0')
    expect(fixture.cannotPing('outside', '10.1.0.2')).toBe(true)
    sh('ip link set cnx0 name up0')
  })

  it.each([0, 1] as const)(
    'lets members talk and no others with bridge-nf-call-iptables %i',
    async (value) => {
      setBridgeFiltering(value)
      await using fixture = await BridgeFixture.start()
      const net = await fixture.create(network('one'))
      await fixture.join(net, 'a', { addresses: members.a })
      await fixture.join(net, 'b', { addresses: members.b })
      expect(fixture.ping('a', '10.1.0.3')).toBe(true)
      expect(fixture.ping('a', 'fd00:1::3')).toBe(true)
    },
  )

  it.each([0, 1] as const)(
    'icc false: members reach the gateway and the outside, not each other, with bridge-nf-call-iptables %i',
    async (value) => {
      setBridgeFiltering(value)
      await using fixture = await BridgeFixture.start()
      fixture.outside()
      const net = await fixture.create(network('one', { config: { icc: false } }))
      await fixture.join(net, 'a', { addresses: members.a })
      await fixture.join(net, 'b', { addresses: members.b })
      expect(fixture.cannotPing('a', '10.1.0.3')).toBe(true)
      expect(fixture.cannotPing('a', 'fd00:1::3')).toBe(true)
      expect(fixture.ping('a', '10.1.0.1')).toBe(true)
      expect(fixture.ping('a', '192.0.2.2')).toBe(true)
      // The detour: one member sends what is for the other to the gateway, and the other answers the same way.
      fixture.exec('a', 'ip route add 10.1.0.3 via 10.1.0.1; ip -6 route add fd00:1::3 via fd00:1::1')
      fixture.exec('b', 'ip route add 10.1.0.2 via 10.1.0.1; ip -6 route add fd00:1::2 via fd00:1::1')
      expect(fixture.cannotPing('a', '10.1.0.3')).toBe(true)
      expect(fixture.cannotPing('a', 'fd00:1::3')).toBe(true)
    },
  )
})

describe('an internal network', () => {
  const internal = (word: string) =>
    network(word, { internal: true, subnets: [{ subnet: '10.1.0.0/16' }, { subnet: 'fd00:1::/64' }] })

  it('joins its members and nothing else: no gateway, no way out, no way to the machine', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    const net = await fixture.create(internal('inner'))
    await fixture.join(net, 'a', { addresses: members.a })
    await fixture.join(net, 'b', { addresses: members.b })
    expect(fixture.ping('a', '10.1.0.3')).toBe(true)
    expect(fixture.ping('a', 'fd00:1::3')).toBe(true)
    expect(sh(`ip -br address show ${bridgeNameOf(net)}`)).not.toMatch(/10\.|fd00|fe80/)
    expect(fixture.exec('a', 'ip route show default; ip -6 route show default')).toBe('')
    // A member that sends to the bridge's own MAC, as only a privileged one can, and a machine that knows a way back.
    sh(`ip route add 10.1.0.2/32 dev ${bridgeNameOf(net)}`)
    const mac = fixture.link(bridgeNameOf(net)).address
    const heardOutside = () =>
      fixture.exec('outside', "awk '/^Icmp:/ && ++n == 2 { print $2 }' /proc/net/snmp")
    const before = heardOutside()
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      fixture.exec(
        'a',
        `ip route add ${address} dev eth0; ip neighbour add ${address} lladdr ${mac} dev eth0 nud permanent`,
      )
      expect(fixture.cannotPing('a', address)).toBe(true)
    }
    expect(heardOutside()).toBe(before)
  })

  it('stays apart from another internal network with the same subnet', async () => {
    await using fixture = await BridgeFixture.start()
    const one = await fixture.create(internal('inner'))
    const two = await fixture.create(internal('inner-too'))
    await fixture.join(one, 'a', { addresses: members.a })
    await fixture.join(two, 'b', { addresses: members.b })
    await fixture.join(two, 'c', { addresses: members.a })
    expect(fixture.cannotPing('a', '10.1.0.3')).toBe(true)
    expect(fixture.ping('b', '10.1.0.2')).toBe(true)
  })

  it('leaves an address of the machine to the member that has it', async () => {
    await using fixture = await BridgeFixture.start()
    fixture.outside()
    sh('ip address add 10.1.0.3/32 dev up0')
    const net = await fixture.create(internal('inner'))
    await fixture.join(net, 'a', { addresses: members.a })
    const { interface: b } = await fixture.join(net, 'b', { addresses: members.b })
    expect(fixture.ping('a', '10.1.0.3')).toBe(true)
    expect(fixture.exec('a', 'ip neighbour show 10.1.0.3')).toContain(b.macAddress)
  })
})
