// The record compared with what drivers have and which sandboxes are held: shown without a change, and mended.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { makeNamespace } from '@conet/sdk/linux'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
  fake = await fixture.startFakeDriver()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  fake.plan({})
  await fixture.removeEverything()
})

const conet = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, [conetProgram, '--socket', fixture.conetd.socket, ...args]))
    .stdout

const shell = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })

it('[B26] says that all is well where it is, and names drivers that cannot be asked', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }, { subnet: '10.98.0.0/30' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.createNetwork({ name: 'in', type: 'bridge', internal: true })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue', 'in'] })
  const nothing = { dry_run: true, differences: [], drivers_away: [] }
  expect(await fixture.client.previewReconciliation()).toEqual(nothing)
  await fixture.client.up('c')
  expect(await fixture.client.previewReconciliation()).toEqual(nothing)
  await fixture.client.down('c')
  expect(await fixture.client.previewReconciliation()).toEqual(nothing)
  expect(await conet('reconcile', '--dry-run')).toBe('all is as the record says\n')
})

it('[B26] finds what somebody deleted in the kernel, changes nothing in a dry run, and makes it anew else', async () => {
  const network = await fixture.client.createNetwork({
    name: 'blue',
    type: 'bridge',
    subnets: [{ subnet: '10.97.0.0/24' }],
  })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox, endpoints } = await fixture.client.up('c')
  execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ip', 'link', 'delete', 'eth0'])
  const expected = {
    kind: 'endpoint',
    id: endpoints[0]?.id,
    problem: 'failing',
    driver: 'bridge',
    container: 'c',
  }
  const shown = await fixture.client.previewReconciliation()
  expect(shown.differences).toMatchObject([
    {
      ...expected,
      network_id: network.id,
      repair: 'make it as it should be',
      reason: 'interface eth0 is not in the container',
    },
  ])
  expect((await fixture.client.previewReconciliation()).differences).toHaveLength(1)
  const mended = await fixture.client.reconcile()
  expect(mended.differences).toMatchObject([{ ...expected, outcome: 'repaired' }])
  const inside = execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ip', '-o', '-4', 'address'], {
    encoding: 'utf8',
  })
  expect(inside).toContain('10.97.0.2/24')
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
})

it('[B26] finds containers that were cut off outside, by a deleted bridge or at their ports, or lost a limit, and mends that', async () => {
  const network = await fixture.client.createNetwork({
    name: 'blue',
    type: 'bridge',
    subnets: [{ subnet: '10.97.0.0/24' }],
  })
  const named = (alias: string) => /^\d+: ([^:@]+)/.exec(shell(`ip -o link | grep "conet ${alias}"`))?.[1]
  for (const handle of ['a', 'b']) {
    await fixture.client.putContainerConfig(handle, { attach_to: ['blue'] })
    await fixture.client.up(handle)
  }
  const { sandbox, endpoints } = await fixture.client.getContainer('a')
  const portOf = () => named(`${network.id} ${endpoints[0]?.id}`)
  const ping = (address: string) =>
    shell(`nsenter --net=${sandbox?.path} ping -c 1 -W 2 ${address} >/dev/null && echo answered`)
  await fixture.client.putContainerPolicy('a', { networks: { blue: { limits: { rate: 1_000_000 } } } })
  for (const [cut, found] of [
    [`ip link delete ${named(`${network.id}$`)}`, ['network', 'endpoint', 'endpoint']],
    [`ip link set ${named(`${network.id}$`)} down`, ['network']],
    [`ip address flush dev ${named(`${network.id}$`)}`, ['network']],
    [`ip route delete 10.97.0.0/24`, ['network']],
    [`ip link set ${named(`${network.id}$`)} type bridge stp_state 1`, ['network']],
    [`ip address add 10.97.0.77/32 dev ${named(`${network.id}$`)}`, ['network']],
    [`ip link set ${portOf()} nomaster`, ['endpoint']],
    [`ip link set ${portOf()} mtu 1200`, ['endpoint']],
    [`tc qdisc delete dev ${portOf()} root`, ['endpoint']],
    [`tc filter delete dev ${portOf()} parent ffff:`, ['endpoint']],
  ] as const) {
    shell(cut)
    const shown = await fixture.client.previewReconciliation()
    for (const { reason } of shown.differences) expect(reason, cut).toMatch(/\bcn[bvi]\w/)
    expect(
      shown.differences.map(({ kind }) => kind),
      cut,
    ).toEqual(found)
    const codes = (await fixture.client.status()).findings.map(({ code }) => code)
    expect(codes, cut).toEqual(
      expect.arrayContaining([...new Set(found)].map((kind) => `${kind}-in-trouble`)),
    )
    const { differences } = await fixture.client.reconcile()
    expect(
      differences.map(({ outcome, error }) => error?.message ?? outcome),
      cut,
    ).toEqual(found.map(() => 'repaired'))
    expect(ping('10.97.0.1'), cut).toBe('answered\n')
    expect(ping('10.97.0.3'), cut).toBe('answered\n')
    const left = (await fixture.client.status()).findings.map(({ code }) => code)
    expect(
      left.filter((code) => code.endsWith('-in-trouble')),
      cut,
    ).toEqual([])
    expect((await fixture.client.previewReconciliation()).differences).toEqual([])
  }
  // Nobody has looked since: a policy puts the port back as it sets its flags.
  shell(`ip link set ${portOf()} nomaster`)
  await fixture.client.putContainerPolicy('a', { networks: { blue: { net_out: [] } } })
  expect(ping('10.97.0.3')).toBe('answered\n')
})

it('[B26] finds that the machine does not forward what it is the gateway of, and lets the driver switch it on', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  const { id } = await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  const ipv4 = await fixture.client.createNetwork({ name: 'v4', type: 'bridge' })
  await fixture.client.createNetwork({ name: 'in', type: 'bridge', internal: true })
  const forwarding = () => shell('sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding')
  shell('sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0')
  const { differences: shown } = await fixture.client.previewReconciliation()
  expect(new Map(shown.map((one) => [one.id, one.reason]))).toEqual(
    new Map([
      [id, 'net.ipv4.ip_forward is 0; net.ipv6.conf.all.forwarding is 0'],
      [ipv4.id, 'net.ipv4.ip_forward is 0'],
    ]),
  )
  expect(forwarding()).toBe('0\n0\n')
  const { differences } = await fixture.client.reconcile()
  expect(differences.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
    'network repaired',
    'network repaired',
  ])
  expect(forwarding()).toBe('1\n1\n')
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
})

it('[B26] finds what somebody has changed of the addresses and routes in a container, and has them as they were', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} sh -ec '${command}'`)
  for (const [command, reason] of [
    [
      'ip address change 10.97.0.2/24 dev eth0 metric 4000',
      'eth0 has address 10.97.0.2/24 with the metric 4000; eth0 lacks route 10.97.0.0/24',
    ],
    [
      'ip address del 10.97.0.2/24 dev eth0; ip address add 10.97.0.2/24 dev eth0 noprefixroute',
      'eth0 has address 10.97.0.2/24 with noprefixroute, the broadcast address missing; eth0 lacks route 0.0.0.0/0 via 10.97.0.1',
    ],
    [
      'ip route change default via 10.97.0.1 dev eth0 mtu 1300',
      'eth0 has mtu 1300 in route 0.0.0.0/0 via 10.97.0.1',
    ],
  ]) {
    inside(command ?? '')
    const expected = { kind: 'endpoint', problem: 'failing', container: 'c', reason }
    expect((await fixture.client.previewReconciliation()).differences, command).toMatchObject([expected])
    const { differences } = await fixture.client.reconcile()
    expect(differences, command).toMatchObject([{ ...expected, outcome: 'repaired' }])
    expect(inside('ping -c 1 -W 2 10.97.0.1 >/dev/null && echo answered'), command).toBe('answered\n')
    expect((await fixture.client.previewReconciliation()).differences, command).toEqual([])
  }
})

it('[B26] finds that lo is down in a container, and sets it up again', async () => {
  await fixture.client.putContainerConfig('c', { attach_to: [] })
  await fixture.client.putContainerConfig('other', { attach_to: [] })
  const { sandbox } = await fixture.client.up('c')
  await fixture.client.up('other')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} ${command}`)
  inside('ip link set lo down')
  const expected = { kind: 'sandbox', problem: 'failing', container: 'c', reason: 'lo is down' }
  const shown = await fixture.client.previewReconciliation()
  expect(shown.differences).toMatchObject([{ ...expected, repair: 'make it as it should be' }])
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ ...expected, outcome: 'repaired' }])
  expect(inside('ping -c 1 -W 2 127.0.0.1 >/dev/null && echo answered')).toBe('answered\n')
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
})

it('[B26] goes on with the others where the kernel refuses one', async () => {
  const handles = ['web', 'db']
  for (const handle of handles) await fixture.client.putContainerConfig(handle, { attach_to: [] })
  for (const handle of handles) await fixture.client.up(handle)
  const paths = await Promise.all(
    handles.map(async (handle) => (await fixture.client.getContainer(handle)).sandbox?.path ?? ''),
  )
  const stranger = join(dirname(paths[0] ?? ''), 'no-namespace')
  writeFileSync(stranger, '')
  shell(`mount --bind ${stranger} ${stranger}`)
  for (const path of paths) shell(`nsenter --net=${path} ip link set lo down`)
  const { differences } = await fixture.client.reconcile()
  expect(new Map(differences.map(({ id, outcome, error }) => [id, error?.kind ?? outcome]))).toEqual(
    new Map([
      ...paths.map((path): [string, string] => [basename(path), 'repaired']),
      ['no-namespace', 'kernelRefused'],
    ]),
  )
  shell(`umount ${stranger}`)
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ outcome: 'repaired' }])
})

it('[B26] a bridge that is down is a finding of the status as long as it is so', async () => {
  const { id } = await fixture.client.createNetwork({ name: 'blue', type: 'bridge' })
  const troubles = async () =>
    (await fixture.client.status()).findings.filter(({ code }) => code === 'network-in-trouble')
  expect(await troubles()).toEqual([])
  const bridge = `cnb${id.slice(0, 12)}`
  shell(`ip link set ${bridge} down`)
  const message = expect.stringContaining(`blue of driver bridge (bridge ${bridge} is down)`)
  await eventually(async () => expect(await troubles()).toMatchObject([{ message }]))
  expect((await fixture.client.getNetwork('blue')).last_error).toBe(`bridge ${bridge} is down`)
  shell(`ip link set ${bridge} up`)
  await eventually(async () => expect(await troubles()).toEqual([]))
})

it('[B26] a sandbox that somebody took away ends its container, and hides no other difference', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge' })
  for (const handle of ['gone', 'here']) {
    await fixture.client.putContainerConfig(handle, { attach_to: ['blue'] })
    await fixture.client.up(handle)
  }
  const { sandbox } = await fixture.client.getContainer('gone')
  const other = (await fixture.client.getContainer('here')).sandbox
  shell(`umount ${sandbox?.path}; nsenter --net=${other?.path} ip link set eth0 mtu 1400`)
  const { differences } = await fixture.client.previewReconciliation()
  expect(differences).toMatchObject([
    { kind: 'endpoint', container: 'here', problem: 'failing' },
    { kind: 'sandbox', container: 'gone', problem: 'missing' },
  ])
  const mended = await fixture.client.reconcile()
  expect(mended.differences.map(({ outcome }) => outcome)).toEqual(['repaired', 'repaired'])
  expect((await fixture.client.getContainer('gone')).state).toBe('down')
})

it('a plug into a sandbox that somebody took away says so, and leaves nothing', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge' })
  await fixture.client.putContainerConfig('gone', { attach_to: [] })
  const { sandbox } = await fixture.client.up('gone')
  shell(`umount ${sandbox?.path}`)
  await expect(fixture.client.plug('gone', { network: 'blue' })).rejects.toMatchObject({
    kind: 'failedPrecondition',
    message: `plug container gone: its network namespace is not at ${sandbox?.path} any more, where conet held it`,
    help: expect.stringContaining('conet container down gone'),
  })
  expect((await fixture.client.getContainer('gone')).endpoints).toEqual([])
  await fixture.client.down('gone')
  await fixture.client.up('gone')
  expect(await fixture.client.plug('gone', { network: 'blue' })).toMatchObject({ state: 'plugged' })
})

it('removes what a driver has and nobody wants, and says what it could not mend', async () => {
  await fixture.client.createNetwork({ name: 'odd', type: 'fake' })
  const stranger = { networkId: 'a'.repeat(64), endpointId: 'b'.repeat(64) }
  fake.plan({ methods: { 'endpoint/list': { result: [stranger] } } })
  const before = fake.calls().length
  expect((await fixture.client.previewReconciliation()).differences).toMatchObject([
    { kind: 'endpoint', id: stranger.endpointId, problem: 'unknown', repair: 'remove it from the driver' },
  ])
  expect(fake.calls().slice(before)).toEqual(['network/list', 'endpoint/list'])
  const { differences } = await fixture.client.reconcile()
  expect(fake.calls()).toEqual(expect.arrayContaining(['endpoint/unplug', 'endpoint/delete']))
  // The fake driver goes on to name it.
  expect(differences).toMatchObject([{ outcome: 'failed', error: { kind: 'failedPrecondition' } }])
  await expect(conet('reconcile')).rejects.toMatchObject({ code: 1 })
})

it('lets go of a sandbox that nobody has, and takes a container down whose sandbox was taken away', async () => {
  await fixture.client.putContainerConfig('c', { attach_to: [] })
  const { sandbox } = await fixture.client.up('c')
  const path = sandbox?.path ?? ''
  const strange = join(fixture.namespaceDirectory, 'f'.repeat(32))
  makeNamespace(strange)
  execFileSync('umount', [path])
  const { differences } = await fixture.client.previewReconciliation()
  expect(
    differences.map(({ kind, problem, container, repair }) => [kind, problem, container, repair]),
  ).toEqual([
    ['sandbox', 'missing', 'c', 'take the container down'],
    ['sandbox', 'unknown', undefined, 'let go of it'],
  ])
  expect(differences[0]?.reason).toBe(`its network namespace is not at ${path} any more`)
  const codes = async () => (await fixture.client.status()).findings.map(({ code }) => code)
  expect(await codes()).toContain('sandbox-gone')
  const { differences: mended } = await fixture.client.reconcile()
  expect(mended.map(({ outcome }) => outcome)).toEqual(['repaired', 'repaired'])
  expect(existsSync(strange)).toBe(false)
  expect((await fixture.client.getContainer('c')).state).toBe('down')
  expect(await codes()).not.toContain('sandbox-gone')
})

it('a network that its driver could not make is shown, also without containers, until it is as it should be', async () => {
  const { id } = await fixture.client.createNetwork({ name: 'odd', type: 'fake' })
  const message = 'the interface "odd0" exists and is not its bridge'
  fake.plan({ methods: { 'network/create': { error: { kind: 'conflict', message } } } })
  await fake.program.end('SIGKILL')
  await fake.restart()
  await fixture.driversReady()
  const troubles = async () =>
    (await fixture.client.status()).findings.filter(({ code }) => code === 'network-in-trouble')
  await eventually(async () =>
    expect(await troubles()).toMatchObject([
      { message: expect.stringContaining(`odd of driver fake (${message})`) },
    ]),
  )
  expect(await conet('net', 'inspect', 'odd')).toMatch(/last error +the interface "odd0" exists/)
  const missing = { kind: 'network', id, problem: 'missing', reason: expect.stringContaining(message) }
  expect((await fixture.client.previewReconciliation()).differences).toMatchObject([missing])
  const newer = expect.stringContaining('it is still there')
  fake.plan({ methods: { 'network/create': { error: { kind: 'conflict', message: 'it is still there' } } } })
  expect((await fixture.client.reconcile()).differences).toMatchObject([
    { id, outcome: 'failed', error: { message: newer } },
  ])
  expect(await troubles()).toMatchObject([{ message: newer }])
  fake.plan({})
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ id, outcome: 'repaired' }])
  expect(await troubles()).toEqual([])
  expect((await fixture.client.getNetwork('odd')).last_error).toBeUndefined()
})
