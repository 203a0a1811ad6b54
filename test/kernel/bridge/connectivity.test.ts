import { describe, expect, it } from 'vitest'
import { show, showOne } from '../../support/iproute.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf } from './bridge-fixture.ts'

describe('a bridge network', () => {
  it('[C18] gives the interface its name, addresses, mask, MTU, MAC and link-local address at once', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
    const shown = JSON.parse(fixture.exec('a', 'ip -j address show eth0'))[0]
    expect(shown).toMatchObject({ address: '02:42:0a:01:00:02', mtu: 1500, operstate: 'UP' })
    expect(shown.addr_info).toEqual([
      expect.objectContaining({ local: '10.1.0.2', prefixlen: 16, broadcast: '10.1.255.255' }),
      expect.objectContaining({ local: 'fd00:1::2', prefixlen: 64 }),
      expect.objectContaining({ local: 'fe80::42:aff:fe01:2', prefixlen: 64, scope: 'link' }),
    ])
    expect(JSON.stringify(shown)).not.toContain('tentative')
    expect(fixture.exec('a', 'ip route show default')).toContain('default via 10.1.0.1 dev eth0')
    expect(fixture.exec('a', 'ip -6 route show default')).toContain('default via fd00:1::1 dev eth0')
    expect(showOne(`ip link show ${portNameOf(params)}`)).toMatchObject({ master: bridgeNameOf(net) })
    expect(show(`ip -6 address show dev ${portNameOf(params)}`)).toEqual([])
  })

  it('[D5] [D15] answers the first ping between two sandboxes, IPv4 and IPv6', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
    await fixture.join(net, 'b', { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] })
    expect(fixture.ping('a', '10.1.0.3')).toBe(true)
    expect(fixture.ping('a', 'fd00:1::3')).toBe(true)
    expect(fixture.ping('b', '10.1.0.1')).toBe(true)
    expect(fixture.ping('b', 'fd00:1::1')).toBe(true)
  })
})
