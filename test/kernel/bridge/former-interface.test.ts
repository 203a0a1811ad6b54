// An interface of an earlier plug that keeps a route from the one that stands.
import { expect, it } from 'vitest'
import { BridgeFixture, network, portNameOf } from './bridge-fixture.ts'

it('[B26] takes away a former interface whose route keeps out that of the one that stands, and mends the routes then', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const params = await fixture.join(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
  const picture = () => fixture.exec('a', 'ip -br link; ip -br address; ip route; ip -6 route | sort')
  const before = picture()
  const port = portNameOf(params)
  const alias = fixture.link(port).ifalias
  fixture.exec(
    'a',
    `ip link add former type veth peer name far; ip link set former alias "${alias}"
     ip link set former addrgenmode none up; ip link set far addrgenmode none up
     ip address add 192.0.2.2/24 dev former; ip route replace default via 192.0.2.1`,
  )
  await fixture.plug(params)
  expect(fixture.repaired.join('\n')).toMatch(
    new RegExp(
      `port ${port}: its interface former had no port any more\\n.*route to 0\\.0\\.0\\.0/0 was missing`,
    ),
  )
  expect(picture()).toBe(before)
  expect(fixture.ping('a', '10.1.0.1')).toBe(true)
})
