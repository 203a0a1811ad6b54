// A machine that stands in the way of containers' packets: real traffic from a container to a host outside, and what
// `conet status` says of it.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatusView } from '@conet/sdk/client'
import { deleteNamespace, makeNamespace } from '@conet/sdk/linux'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { HostUnderTest } from '../support/host-under-test.ts'

const outsideAddress = '192.0.2.2'
const places = mkdtempSync(join(tmpdir(), 'conet-ns-'))
const outside = join(places, 'outside')

let host: HostUnderTest
const containers: string[] = []

const run = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: 'pipe' })
const set = (setting: string, value: number) => writeFileSync(`/proc/sys/net/${setting}`, String(value))
const inside = (path: string | undefined, command: string) => run(`nsenter --net=${path} ${command}`)

function reaches(address: string): boolean {
  try {
    inside(containers[0], `ping -c1 -W1 ${address}`)
    return true
  } catch {
    // Not an answer within a second: that is the answer.
    return false
  }
}

async function findings(): Promise<string[]> {
  const { findings: all } = await host.done<StatusView>({ path: '/status' })
  return all.map(({ code, message }) => `${code}: ${message}`)
}

async function containerIn(network: string, handle: string): Promise<string> {
  const config = { attach_to: [network] }
  await host.done({ method: 'PUT', path: `/containers/${handle}/config`, body: config })
  const up = { method: 'POST', path: `/internal/containers/${handle}/up` }
  return (await host.done<{ sandbox: { path: string } }>(up)).sandbox.path
}

beforeAll(async () => {
  set('ipv4/ip_forward', 0)
  set('bridge/bridge-nf-call-iptables', 0)
  set('bridge/bridge-nf-call-ip6tables', 0)
  makeNamespace(outside)
  run(`ip link add up0 type veth peer name eth0 netns ${outside}`)
  run('ip address add 192.0.2.1/24 dev up0 && ip link set up0 up')
  inside(outside, `sh -c 'ip address add ${outsideAddress}/24 dev eth0 && ip link set eth0 up'`)
  host = await HostUnderTest.start('null', 'bridge')
})

afterAll(async () => {
  await host?.[Symbol.asyncDispose]()
  run('ip link delete up0')
  deleteNamespace(outside)
  run(`umount -l ${places} 2>/dev/null || true`)
  rmSync(places, { recursive: true })
})

afterEach(() => {
  run('nft delete table ip filter 2>/dev/null || true')
  run('(iptables-legacy -P FORWARD ACCEPT && iptables-legacy -F FORWARD) 2>/dev/null || true')
})

it('with ip_forward 0 and no network that needs it, conet says nothing of it', async () => {
  expect(await findings()).toEqual([])
  await host.done({ method: 'POST', path: '/networks', body: { name: 'nothing', type: 'null' } })
  expect(await findings()).toEqual([])
})

it('with ip_forward 0 the first network of the bridge driver switches it on, and it works', async () => {
  await host.done({ method: 'POST', path: '/networks', body: { name: 'blue', type: 'bridge' } })
  containers.push(await containerIn('blue', 'c1'), await containerIn('blue', 'c2'))
  expect(reaches(outsideAddress)).toBe(true)
  expect(await findings()).toEqual([])
})

it('with ip_forward switched off by others nothing goes out, and conet says which network that is', async () => {
  set('ipv4/ip_forward', 0)
  expect(reaches(outsideAddress)).toBe(false)
  const found = await findings()
  expect(found).toEqual([
    expect.stringMatching(/^ip-forward-off: net\.ipv4\.ip_forward is 0: packets of network blue /),
  ])
  set('ipv4/ip_forward', 1)
  expect(reaches(outsideAddress)).toBe(true)
})

it('with the interface of the default route not forwarding conet names it, and the advice helps', async () => {
  run(`ip route add default via ${outsideAddress} && ip route add default via 192.0.2.3 metric 7 dev up0`)
  try {
    expect(await findings()).toEqual([])
    set('ipv4/conf/up0/forwarding', 0)
    expect(reaches(outsideAddress)).toBe(false)
    const { findings: found } = await host.done<StatusView>({ path: '/status' })
    expect(found.map(({ code }) => code)).toEqual(['uplink-forwarding-off'])
    run(/sysctl -w [^,]*/.exec(found[0]?.help ?? '')?.[0] ?? '')
    expect(reaches(outsideAddress)).toBe(true)
    expect(await findings()).toEqual([])
  } finally {
    run('ip route flush default')
  }
})

it('with a route over a part of a network’s subnet conet names it, and not one over all of it that loses', async () => {
  const [, address = ''] = /inet ([0-9.]+)/.exec(inside(containers[0], 'ip -o -4 address show eth0')) ?? []
  const [a, b] = address.split('.')
  run(
    `ip route add ${a}.${b}.0.0/15 via ${outsideAddress} 2>/dev/null || ip route add ${a}.0.0.0/8 via ${outsideAddress}`,
  )
  run(`ip route add ${address}/32 dev $(ip -o route get ${address} | sed 's/.* dev \\([^ ]*\\).*/\\1/')`)
  // No way elsewhere. That its bridge has it at all is a trouble of the network, where the driver looks in between.
  const others = async () => (await findings()).filter((text) => !text.startsWith('network-in-trouble'))
  expect(await others()).toEqual([])
  run(`ip route replace ${address}/32 via ${outsideAddress}`)
  await eventually(async () => expect(await findings()).toEqual(await others()))
  expect(reaches(outsideAddress)).toBe(false)
  const { findings: found } = await host.done<StatusView>({ path: '/status' })
  expect(found.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    expect.stringMatching(/^subnet-routed-elsewhere: .* network blue elsewhere: [0-9.]+\/32 by up0;/),
  ])
  run(/ip route delete [^,]*/.exec(found[0]?.help ?? '')?.[0] ?? '')
  expect(reaches(outsideAddress)).toBe(true)
  run(`ip route add blackhole ${address}/32`)
  expect(await findings()).toEqual([expect.stringContaining('/32 to nowhere')])
  run(`ip route delete blackhole ${address}/32; ip route flush via ${outsideAddress}`)
  expect(await findings()).toEqual([])
})

it('with a FORWARD policy of DROP conet names the chain; what it advises helps, and is not advised again', async () => {
  run(
    `nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'`,
  )
  expect(reaches(outsideAddress)).toBe(false)
  const { findings: found } = await host.done<StatusView>({ path: '/status' })
  expect(found.map(({ code }) => code)).toEqual(['forward-policy-drop'])
  const [advice = ''] = /nft insert rule [^,]*/.exec(found[0]?.help ?? '') ?? []
  run(advice)
  expect(reaches(outsideAddress)).toBe(true)
  expect(await findings()).toEqual([])
})

const isLegacyMissing = spawnSync('iptables-legacy', ['-S']).status !== 0

it.skipIf(isLegacyMissing).each(['-P FORWARD DROP', '-A FORWARD -j REJECT'])(
  'with iptables-legacy %s conet names the chain; what it advises helps, and is not advised again',
  async (change) => {
    run(`iptables-legacy ${change}`)
    expect(reaches(outsideAddress)).toBe(false)
    const { findings: found } = await host.done<StatusView>({ path: '/status' })
    expect(found.map(({ code }) => code)).toEqual(['forward-policy-drop'])
    const [advice = ''] = /iptables-legacy -t [^,]*/.exec(found[0]?.help ?? '') ?? []
    run(advice)
    expect(reaches(outsideAddress)).toBe(true)
    expect(await findings()).toEqual([])
  },
)

it('with bridge-nf-call-iptables 1 members reach each other and the world, and conet tells what that means', async () => {
  const neighbour = /inet ([0-9.]+)/.exec(inside(containers[1], 'ip -o -4 address show eth0'))?.[1] ?? ''
  set('bridge/bridge-nf-call-iptables', 1)
  try {
    expect([reaches(neighbour), reaches(outsideAddress)]).toEqual([true, true])
    expect(await findings()).toEqual([
      expect.stringContaining('bridged-packets-filtered: net.bridge.bridge-nf-call-iptables is 1'),
    ])
    run(
      `nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'`,
    )
    expect(reaches(neighbour)).toBe(false)
    expect((await findings()).map((text) => text.split(':')[0])).toEqual([
      'forward-policy-drop',
      'bridged-packets-filtered',
    ])
  } finally {
    set('bridge/bridge-nf-call-iptables', 0)
  }
  expect(reaches(neighbour)).toBe(true)
})

it('after nft flush ruleset the rules are back within seconds', async () => {
  run('nft flush ruleset')
  expect(reaches(outsideAddress)).toBe(false)
  await eventually(() => reaches(outsideAddress), { timeoutMs: 15_000 })
})
