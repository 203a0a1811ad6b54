// The entry of a bridge's table for the bridge's own MAC, by which members reach their gateway.
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
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

  it('has members get what is sent to them again where somebody has led it elsewhere', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const first = await fixture.join(net, 'a', a)
    const second = await fixture.join(net, 'b', b)
    const { macAddress } = second.interface
    const faults = async () =>
      (await fixture.driver.listEndpoints(fixture.call())).flatMap(({ fault }) => fault ?? [])
    for (const entry of [
      `dev ${portNameOf(second)} master permanent`,
      `dev ${bridgeNameOf(net)} self permanent`,
      `dev ${portNameOf(first)} master static sticky`,
      `dev ${portNameOf(first)} master dynamic sticky`,
    ]) {
      expect(fixture.ping('a', '10.1.0.3')).toBe(true)
      expect(await faults(), entry).toEqual([])
      sh(`bridge fdb replace ${macAddress} ${entry}`)
      expect(fixture.cannotPing('a', '10.1.0.3'), entry).toBe(true)
      expect(await faults(), entry).toEqual([
        `the bridge ${bridgeNameOf(net)} leads what is sent to ${macAddress} elsewhere than to its port ${portNameOf(second)}`,
      ])
      fixture.repaired.length = 0
      await fixture.plug(second)
      expect(fixture.repaired.join(), entry).toContain('the bridge led what is sent to its MAC elsewhere')
    }
    expect(fixture.ping('a', '10.1.0.3')).toBe(true)
    expect(await faults()).toEqual([])
  })

  it('has members that are silent get what is sent to them again where what they send would undo it', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const first = await fixture.join(net, 'a', a)
    const second = await fixture.join(net, 'b', b)
    for (const kind of ['static', 'dynamic extern_learn', 'static extern_learn']) {
      const lead = () =>
        sh(`bridge fdb replace ${second.interface.macAddress} dev ${portNameOf(first)} master ${kind}`)
      // The member may send something at any time.
      await eventually(async () => {
        lead()
        const faults = (await fixture.driver.listEndpoints(fixture.call())).flatMap(
          ({ fault }) => fault ?? [],
        )
        expect(faults, kind).toEqual([expect.stringContaining('elsewhere than to its port')])
      })
      fixture.repaired.length = 0
      await eventually(async () => {
        lead()
        await fixture.plug(second)
        expect(fixture.repaired.join(), kind).toContain('the bridge led what is sent to its MAC elsewhere')
      })
      expect(fixture.ping('a', '10.1.0.3'), kind).toBe(true)
    }
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
