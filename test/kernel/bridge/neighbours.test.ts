// Neighbours of a bridge that somebody has set for good: the machine sends to another MAC than the member's.
import { expect, it } from 'vitest'
import { BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'

it('a bridge driver has the machine reach members again whose address somebody has given another MAC for good', async () => {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  await fixture.join(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
  const bridge = bridgeNameOf(net)
  const faults = async () => (await fixture.driver.networkFaults?.(fixture.call()))?.map(({ fault }) => fault)
  // The kernel's own entry for a broadcast is no fault.
  sh('ping -b -c1 -W0.1 10.1.255.255 >/dev/null 2>&1 || true')
  for (const [address, state] of [
    ['10.1.0.2', 'permanent'],
    ['10.1.0.2', 'noarp'],
    ['fd00:1::2', 'permanent'],
  ] as const) {
    expect(await faults(), state).toEqual([])
    sh(`ip neigh replace ${address} lladdr 02:00:00:00:00:99 dev ${bridge} nud ${state}`)
    expect(fixture.cannotPing('a', address === '10.1.0.2' ? '10.1.0.1' : 'fd00:1::1'), state).toBe(true)
    const what = `the ${state} neighbour ${address} (02:00:00:00:00:99)`
    expect(await faults(), state).toEqual([`bridge ${bridge} has ${what}`])
    fixture.repaired.length = 0
    if (state === 'noarp') await fixture.restartDriver()
    await fixture.create(net)
    expect(fixture.repaired, state).toEqual([`bridge ${bridge}: it had ${what}`])
    expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1'), state).toBe(true)
  }
  expect(await faults()).toEqual([])
})
