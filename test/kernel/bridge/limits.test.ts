import type { PlugParams } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { BridgeFixture, network, portNameOf, sh } from './bridge-fixture.ts'

let fixture: BridgeFixture
let web: PlugParams
let peers: Record<'web' | 'outside' | 'machine', TrafficPeer>

const outside = { address: '192.0.2.2', port: 80 }

beforeAll(async () => {
  fixture = await BridgeFixture.start()
  fixture.outside()
  web = await fixture.join(await fixture.create(network('blue')), 'web', { addresses: ['10.1.0.2/16'] })
  peers = {
    web: new TrafficPeer('web', fixture.namespaces.path('web')),
    outside: new TrafficPeer('outside', fixture.namespaces.path('outside')),
    machine: new TrafficPeer('machine'),
  }
  await Promise.all([peers.web.flood(5000), peers.outside.flood(5000), peers.outside.listen('tcp', 80)])
})

afterAll(async () => {
  for (const peer of Object.values(peers ?? {})) await peer[Symbol.asyncDispose]()
  await fixture?.[Symbol.asyncDispose]()
})

async function setLimits(limits?: Record<string, unknown>): Promise<void> {
  await fixture.driver.policy?.({ ...web, policy: limits === undefined ? {} : { limits } }, fixture.call())
}

async function plugWith(limits?: Record<string, unknown>): Promise<void> {
  await fixture.plug({ ...web, policy: limits === undefined ? {} : { limits } })
}

/** What the driver's list says is wrong. */
async function fault(): Promise<string | undefined> {
  const listed = await fixture.driver.listEndpoints(fixture.call())
  return listed.find(({ endpointId }) => endpointId === web.endpointId)?.fault
}

const strange = 'tbf rate 1mbit burst 10000 latency 50ms'

type Names = { readonly port: string; readonly shaper: string }

const filterOf = (port: string, match: string, device: string) =>
  `tc filter add dev ${port} parent ffff: protocol all prio 1 u32 match ${match} action mirred egress redirect dev ${device}`

const changes: { command: (names: Names) => string; says: RegExp }[] = [
  { command: ({ port }) => `tc qdisc del dev ${port} root`, says: /has lost its limit/ },
  { command: ({ port }) => `tc qdisc change dev ${port} root ${strange}`, says: /has another limit/ },
  { command: ({ port }) => `tc qdisc replace dev ${port} root pfifo`, says: /has lost its limit/ },
  { command: ({ shaper }) => `tc qdisc del dev ${shaper} root`, says: /has lost its limit/ },
  { command: ({ shaper }) => `tc qdisc change dev ${shaper} root ${strange}`, says: /has another limit/ },
  { command: ({ shaper }) => `ip link delete ${shaper}`, says: /does not exist/ },
  { command: ({ shaper }) => `ip link set ${shaper} down`, says: /is down/ },
  { command: ({ shaper }) => `ip link set ${shaper} alias ''`, says: /has lost its alias/ },
  { command: ({ port }) => `tc qdisc del dev ${port} ingress`, says: /does not go by/ },
  { command: ({ port }) => `tc filter del dev ${port} parent ffff:`, says: /does not go by/ },
  {
    command: ({ port, shaper }) =>
      `tc filter del dev ${port} parent ffff:; ${filterOf(port, 'ip dport 9 0xffff', shaper)}`,
    says: /does not go by/,
  },
  {
    command: ({ port }) => `tc filter del dev ${port} parent ffff:; ${filterOf(port, 'u32 0 0', 'lo')}`,
    says: /does not go by/,
  },
  // What is asked before it, and lets all pass.
  {
    command: ({ port }) =>
      `tc filter add dev ${port} parent ffff: pref 1 protocol all handle ::1 u32 match u32 0 0 flowid :1`,
    says: /does not go by/,
  },
]

describe('limits', () => {
  // On a busy machine a sender may fall behind for a while, so that the first measurement says less than the limit.
  const again = { timeoutMs: 30_000 }

  it('[B24] hold what comes in and what goes out to its rate, each by itself, changed live', {
    timeout: 120_000,
  }, async () => {
    const rate = 1_250_000
    const measured = async (limits: Record<string, unknown>) => {
      await setLimits(limits)
      return {
        in: await peers.web.receive({ address: '192.0.2.2', port: 5000, forMs: 2_400 }),
        out: await peers.machine.receive({ address: '10.1.0.2', port: 5000, forMs: 2_400 }),
      }
    }
    await eventually(async () => {
      const both = await measured({ rate })
      for (const bytesPerSecond of [both.in, both.out]) {
        expect(bytesPerSecond).toBeGreaterThan(rate * 0.9)
        expect(bytesPerSecond).toBeLessThan(rate * 1.1)
      }
    }, again)
    await eventually(async () => {
      const one = await measured({ egress: { rate: rate * 2, burst: 100_000 } })
      expect(one.in).toBeGreaterThan(rate * 4)
      expect(Math.abs(one.out / (rate * 2) - 1)).toBeLessThan(0.1)
    }, again)
    // What leads to a device that somebody has deleted drops everything.
    sh('ip link delete $(ip -o link show type ifb | sed "s/^[0-9]*: \\([^:]*\\):.*/\\1/")')
    expect(await peers.web.tcp({ ...outside, timeoutMs: 300 })).toMatch(/^failed/)
    await setLimits({ egress: { rate: rate * 2 } })
    expect(await peers.web.tcp(outside)).toContain('outside')
    await setLimits()
    expect(sh('ip link show type ifb')).toBe('')
    expect(sh(`tc qdisc show dev ${portNameOf(web)}`)).not.toMatch(/tbf|ingress/)
  })

  it('have the usual burst where it is 0, as Go writes what nobody said', async () => {
    const shown = async (limits: Record<string, unknown>) => {
      await setLimits(limits)
      return /rate .*/.exec(sh(`tc qdisc show dev ${portNameOf(web)} root`))?.[0]
    }
    const usual = await shown({ rate: 12_500_000 })
    expect(await shown({ rate: 12_500_000, burst: 100_000 })).not.toBe(usual)
    expect(await shown({ rate: 12_500_000, burst: 0 })).toBe(usual)
    await setLimits()
  })

  it('that somebody has changed are in the list with what was done to them, until a plug has mended it', async () => {
    const port = portNameOf(web)
    const shaper = port.replace('cnv', 'cni')
    const limits = { ingress: { rate: 1_250_000 }, egress: { rate: 5_000_000_000 } }
    const isWhole = async () => {
      expect(await fault()).toBeUndefined()
      expect(sh(`tc filter show dev ${port} parent ffff:`).split('mirred').length - 1).toBe(1)
      expect(sh(`tc qdisc show dev ${port} root`)).toContain('rate 10Mbit')
      expect(sh(`tc qdisc show dev ${shaper} root`)).toContain('rate 40Gbit')
    }
    await plugWith(limits)
    await isWhole()
    for (const { command, says } of changes) {
      sh(command({ port, shaper }))
      expect(await fault(), command({ port, shaper })).toMatch(says)
      await plugWith(limits)
      await isWhole()
    }
    await plugWith()
  })

  it('that no policy asks for are in the list, too', async () => {
    const port = portNameOf(web)
    for (const change of [
      `tc qdisc add dev ${port} root ${strange}`,
      `ip link add ${port.replace('cnv', 'cni')} type ifb`,
    ]) {
      expect(await fault()).toBeUndefined()
      sh(change)
      expect(await fault(), change).toMatch(/no policy asks for/)
      await plugWith()
    }
    expect(await fault()).toBeUndefined()
  })
})
