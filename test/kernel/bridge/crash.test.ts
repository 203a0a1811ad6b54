import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { failpointNames, type PlugParams } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { joinedProgram } from '../../support/joined-program.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

const names = failpointNames().filter((name) => name.startsWith('bridge:'))

async function liveAndDie(failpoint: string, params: PlugParams): Promise<string | null> {
  const program = joinedProgram('test/kernel/bridge/one-life.mjs')
  const env = { ...process.env, CONET_FAILPOINT: failpoint }
  const child = spawn(process.execPath, [program, JSON.stringify(params)], { env, stdio: 'inherit' })
  const [, signal]: (string | null)[] = await once(child, 'exit')
  return signal ?? null
}

describe('a driver that is killed in the middle', () => {
  it('has failpoints between all messages', () => {
    expect(names.length).toBeGreaterThanOrEqual(8)
  })

  it.each(names)('at %s: the next one does the same calls, and nothing is left', async (failpoint) => {
    await using fixture = await BridgeFixture.start()
    await fixture.driver.stop?.()
    fixture.sandbox('a')
    const net = network('one')
    const params = fixture.params(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
    expect(await liveAndDie(failpoint, params)).toBe('SIGKILL')
    await fixture.startDriver()
    await fixture.create(net)
    await fixture.plug(params)
    expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
  })

  it.each(names)('at %s: what is deleted afterwards leaves nothing', async (failpoint) => {
    await using fixture = await BridgeFixture.start()
    await fixture.driver.stop?.()
    fixture.sandbox('a')
    const net = network('one')
    const params = fixture.params(net, 'a', { addresses: ['10.1.0.2/16'] })
    await liveAndDie(failpoint, params)
    await fixture.startDriver()
    await fixture.driver.deleteEndpoint({ networkId: net.id, endpointId: params.endpointId }, fixture.call())
    await fixture.driver.deleteNetwork(net.id, fixture.call())
    const left = sh('ip -br link; nft list ruleset')
    expect(left).not.toContain(bridgeNameOf(net))
    expect(left).not.toContain(portNameOf(params))
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
  })
})
