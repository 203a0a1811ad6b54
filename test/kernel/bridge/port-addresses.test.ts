// Addresses that somebody has given to a port of the bridge: the machine takes for its own what is sent there.
import { expect, it } from 'vitest'
import { BridgeFixture, network, portNameOf, sh } from './bridge-fixture.ts'

it('a bridge driver takes away what addresses somebody has given to a port, while the machine cannot reach its member', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const params = await fixture.join(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
  const port = portNameOf(params)
  const faults = async () =>
    (await fixture.driver.listEndpoints(fixture.call())).flatMap(({ fault }) => fault ?? [])
  for (const [address, gateway] of [
    ['10.1.0.2/32', '10.1.0.1'],
    ['fd00:1::2/128', 'fd00:1::1'],
  ] as const) {
    expect(await faults(), address).toEqual([])
    sh(`ip address add ${address} dev ${port}`)
    expect(fixture.cannotPing('a', gateway), address).toBe(true)
    expect(await faults(), address).toEqual([`its port ${port} has the address ${address}`])
    fixture.repaired.length = 0
    await fixture.plug(params)
    expect(fixture.repaired, address).toEqual([`port ${port}: it had the address ${address}`])
    expect(fixture.ping('a', gateway), address).toBe(true)
  }
  sh(`ip address add 10.9.0.1/24 dev ${port}; ip address add 10.9.0.2/24 dev ${port}
      ip address add fe80::9/64 dev ${port} nodad`)
  await fixture.restartDriver()
  await fixture.create(net)
  await fixture.plug(params)
  expect(await faults()).toEqual([])
  expect(sh(`ip -br address show ${port}`).trim().split(/\s+/).slice(2)).toEqual(['fe80::9/64'])
})
