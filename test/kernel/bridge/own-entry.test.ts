// The entry of a bridge's table for the bridge's own MAC, by which members reach their gateway.
import { describe, expect, it } from 'vitest'
import { RunningPing } from '../../support/running-ping.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }
const b = { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] }

/** What somebody may do to it that cuts members off from the gateway. */
const damages = [
  'bridge fdb flush dev BRIDGE',
  'bridge fdb del MAC dev BRIDGE self',
  'bridge fdb replace MAC dev PORT master static',
  'bridge fdb replace MAC dev PORT master static sticky',
  'bridge fdb del MAC dev BRIDGE self; bridge fdb replace MAC dev PORT master static extern_learn',
]

describe('a bridge driver', () => {
  it("has members reach their gateway again whose bridge's own entry is gone or leads elsewhere, while they talk", async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    await fixture.join(net, 'b', b)
    const bridge = bridgeNameOf(net)
    const macAddress = String(fixture.link(bridge).address)
    const words: Record<string, string> = { BRIDGE: bridge, PORT: portNameOf(params), MAC: macAddress }
    const faults = async () =>
      (await fixture.driver.networkFaults?.(fixture.call()))?.map(({ fault }) => fault)
    const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.3' })
    await ping.goesOn()
    for (const command of damages) {
      expect(await faults(), command).toEqual([])
      sh(command.replace(/BRIDGE|PORT|MAC/g, (word) => words[word] ?? ''))
      expect(fixture.cannotPing('b', '10.1.0.1'), command).toBe(true)
      const says = `does not take what is sent to its own MAC ${macAddress}, which is the gateway's`
      expect(await faults(), command).toEqual([`bridge ${bridge} ${says}`])
      fixture.repaired.length = 0
      await fixture.create(net)
      expect(fixture.repaired, command).toEqual([
        `bridge ${bridge}: it did not take what is sent to its own MAC ${macAddress}, which is the gateway's`,
      ])
      expect(fixture.ping('a', '10.1.0.1') && fixture.ping('b', 'fd00:1::1'), command).toBe(true)
    }
    const { sent, received } = await ping.stop()
    expect(sent - received).toBeLessThanOrEqual(1)
  })

  it('mends it when it starts, and with another MAC names that alone', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const bridge = bridgeNameOf(net)
    const macAddress = String(fixture.link(bridge).address)
    sh(`bridge fdb del ${macAddress} dev ${bridge} self`)
    await fixture.restartDriver()
    await fixture.create(net)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
    sh(`ip link set ${bridge} address 02:00:00:00:00:99`)
    const found = await fixture.driver.networkFaults?.(fixture.call())
    expect(found?.map(({ fault }) => fault)).toEqual([
      `bridge ${bridge} differs: macAddress was 02:00:00:00:00:99`,
    ])
    await fixture.create(net)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })
})
