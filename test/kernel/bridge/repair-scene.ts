// What somebody does to a network, and a driver that starts again, or is asked again, mends.
import { expect } from 'vitest'
import { RunningPing } from '../../support/running-ping.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

export const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }
export const b = { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] }

/** What somebody may do to a bridge, or to the port of member b. */
export type Change = {
  readonly what: string
  readonly command: (names: { bridge: string; port: string }) => string
  readonly says: RegExp
}
/** The same in the sandbox of member b. */
export type InsideChange = { readonly what: string; readonly command: string; readonly says: RegExp }

/** Of a bridge, none of which cuts members off from each other: each is mended at the next start, and no packet is lost. */
export async function mendsBridgeAtStart(changes: readonly Change[]): Promise<void> {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const params = await fixture.join(net, 'a', a)
  await fixture.join(net, 'b', b)
  const names = { bridge: bridgeNameOf(net), port: portNameOf(params) }
  const state = () =>
    sh(
      `ip -d link show ${names.bridge}; ip -br address show ${names.bridge}; ip route; ip -6 route; nft list ruleset`,
    ).replaceAll(/hello_timer.*|gc_timer.*|tcn_timer.*/g, '')
  const before = state()
  const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.3' })
  await ping.goesOn()
  for (const { what, command, says } of changes) {
    await fixture.driver.stop?.()
    sh(command(names))
    fixture.repaired.length = 0
    await fixture.startDriver()
    await fixture.create(net)
    await ping.goesOn()
    expect(state(), what).toBe(before)
    if (!what.match(/table|element|rule/)) expect(fixture.repaired.join('\n'), what).toMatch(says)
  }
  const { sent, received } = await ping.stop()
  // The last may be on its way.
  expect(sent - received).toBeLessThanOrEqual(1)
  expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
}

/** Each is mended when the network is created once more; then `last` has its turn with the fixture. */
export async function mendsBridgeWhileItRuns(
  changes: readonly Change[],
  last: (fixture: BridgeFixture, net: ReturnType<typeof network>) => Promise<void> = async () => undefined,
): Promise<void> {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  const params = await fixture.join(net, 'a', a)
  const names = { bridge: bridgeNameOf(net), port: portNameOf(params) }
  for (const { what, command, says } of changes) {
    sh(command(names))
    fixture.repaired.length = 0
    await fixture.create(net)
    expect(fixture.repaired.join('\n'), what).toMatch(says)
  }
  await last(fixture, net)
  fixture.repaired.length = 0
  await fixture.create(net)
  expect(fixture.repaired).toEqual([])
}

/** Each is mended at the next start, while the packets of others go on. */
export async function mendsMemberAtStart(
  changes: readonly Change[],
  insideChanges: readonly InsideChange[],
): Promise<void> {
  await using fixture = await BridgeFixture.start()
  const net = await fixture.create(network('one'))
  await fixture.join(net, 'a', a)
  const params = await fixture.join(net, 'b', b)
  await fixture.join(net, 'c', { addresses: ['10.1.0.4/16'] })
  const names = { bridge: bridgeNameOf(net), port: portNameOf(params) }
  const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.4' })
  await ping.goesOn()
  const all = [
    ...changes.map(({ command, ...rest }) => ({ ...rest, run: () => sh(command(names)) })),
    ...insideChanges.map(({ command, ...rest }) => ({ ...rest, run: () => fixture.exec('b', command) })),
  ]
  for (const { what, run, says } of all) {
    run()
    await fixture.restartDriver()
    fixture.repaired.length = 0
    await fixture.create(net)
    await fixture.plug(params)
    expect(fixture.repaired.join('\n'), what).toMatch(says)
    expect(fixture.ping('a', '10.1.0.3') && fixture.ping('b', 'fd00:1::2'), what).toBe(true)
    expect(fixture.exec('b', 'ip -6 route show default'), what).toContain('fd00:1::1')
  }
  fixture.repaired.length = 0
  await fixture.plug(params)
  expect(fixture.repaired).toEqual([])
  const { sent, received } = await ping.stop()
  expect(sent - received).toBeLessThanOrEqual(1)
}
