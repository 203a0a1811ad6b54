// What an interface of a container lacks, compared with the record: shown without a change, and mended.
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

const conet = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, [conetProgram, '--socket', fixture.conetd.socket, ...args]))
    .stdout

const shell = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })

it('[B26] puts back the default routes of an endpoint that has a second one beside it in its network', async () => {
  for (const [name, at] of [
    ['ra', 97],
    ['rb', 98],
  ] as const) {
    const subnets = [{ subnet: `10.${at}.0.0/24` }, { subnet: `fd00:${at}::/64` }]
    await fixture.client.createNetwork({ name, type: 'bridge', subnets })
  }
  const attached = ['ra', { network: 'ra', name: 'second' }, 'rb']
  await fixture.client.putContainerConfig('c', { attach_to: attached })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} ip ${command}`)
  for (const family of ['-4', '-6']) {
    const before = inside(`${family} route show default`)
    inside(`${family} route del default`)
    const { differences } = await fixture.client.reconcile()
    expect(differences, family).toMatchObject([{ kind: 'endpoint', outcome: 'repaired' }])
    expect(inside(`${family} route show default`), family).toBe(before)
    expect((await fixture.client.previewReconciliation()).differences, family).toEqual([])
  }
})

it('[B26] a repaired interface of two in one network has one rule, and no repair fails for the other interface', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.97.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  await fixture.client.plug('c', { network: 'blue' })
  const inside = (...command: string[]) =>
    execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ip', ...command], { encoding: 'utf8' })
  const tables = () =>
    [...inside('rule').matchAll(/^1000:.* lookup (\d+)/gm)].map(([, table = '']) =>
      inside('route', 'show', 'table', table).includes('10.97.0.0/24'),
    )
  expect(tables()).toEqual([true, true])
  for (const gone of [['eth1'], ['eth1'], ['eth0', 'eth1']]) {
    for (const name of gone) inside('link', 'delete', name)
    const { differences } = await fixture.client.reconcile()
    expect(differences.map(({ outcome }) => outcome)).toEqual(gone.map(() => 'repaired'))
    expect(tables()).toEqual([true, true])
  }
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
})

it('[B26] mends the routes of each of two interfaces in one network, whatever the other one lacks', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.putContainerConfig('c', {
    attach_to: [
      { network: 'blue', name: 'a' },
      { network: 'blue', name: 'b' },
    ],
  })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} sh -c '${command}'`)
  const routesOf = (name: string) => inside(`ip route show dev ${name}; ip -6 route show dev ${name}`)
  const harms: [string, string[]][] = [
    ['ip route del 10.97.0.0/24 dev eth1', ['b']],
    ['ip -6 route del fd00:97::/64 dev eth1', ['b']],
    ['ip route del 10.97.0.0/24 dev eth0', ['a']],
    ['ip -6 route flush table main', ['a', 'b']],
    ['ip route flush table main', ['a', 'b']],
    ['ip link set eth0 down; ip link set eth1 down', ['a', 'b']],
  ]
  for (const [harm, harmed] of harms) {
    inside(harm)
    const { differences } = await fixture.client.reconcile()
    expect(differences, harm).toMatchObject(harmed.map(() => ({ kind: 'endpoint', outcome: 'repaired' })))
    for (const name of ['eth0', 'eth1'])
      for (const { subnet } of subnets) expect(routesOf(name), harm).toContain(`${subnet} `)
    expect((await fixture.client.previewReconciliation()).differences, harm).toEqual([])
  }
})

it('[B26] a second interface in its network is plugged beside one that is down, which has its own routing table once it is repaired', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.97.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} ${command}`)
  inside('ip link set eth0 down')
  await fixture.client.plug('c', { network: 'blue' })
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ outcome: 'repaired' }])
  const tables = [...inside('ip rule').matchAll(/^1000:.* lookup (\d+)/gm)]
  for (const [, table] of tables) expect(inside(`ip route show table ${table}`)).toContain('default via')
  expect(tables).toHaveLength(2)
})

it('[B26] says what a repair would put back in a container, address by address and route by route, and does it', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (...command: string[]) =>
    execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ip', ...command], { encoding: 'utf8' })
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
  inside('address', 'delete', 'fd00:97::2/64', 'dev', 'eth0')
  inside('route', 'delete', 'default')
  inside('route', 'delete', '10.97.0.0/24')
  inside('-6', 'route', 'delete', 'fe80::/64', 'dev', 'eth0')
  inside('route', 'delete', 'local', '10.97.0.2', 'dev', 'eth0', 'table', 'local')
  inside('link', 'set', 'eth0', 'mtu', '1400')
  const { differences } = await fixture.client.previewReconciliation()
  expect(differences).toMatchObject([
    {
      problem: 'failing',
      reason:
        'eth0 has MTU 1400 instead of 1500; eth0 lacks address fd00:97::2/64; eth0 lacks route 10.97.0.2/32 in the table local; eth0 lacks route 10.97.0.0/24; eth0 lacks route fe80::/64; eth0 lacks route 0.0.0.0/0 via 10.97.0.1',
    },
  ])
  expect(inside('link', 'show', 'eth0')).toContain('mtu 1400')
  expect(await conet('reconcile')).toContain('repaired   was: eth0 has MTU 1400 instead of 1500')
  expect(inside('link', 'show', 'eth0')).toContain('mtu 1500')
  expect((await fixture.client.previewReconciliation()).differences).toEqual([])
})

it('[B26] an interface that lost its end in the host is a finding of the status, told once, until it is repaired', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge' })
  await fixture.client.putContainerConfig('dead', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('dead')
  execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ip', 'link', 'delete', 'eth0'])
  const troubles = async () =>
    (await fixture.client.status()).findings.filter(({ code }) => code === 'endpoint-in-trouble')
  const told = async () =>
    (await fixture.client.getContainerEvents('dead')).events
      .map(({ type }) => type)
      .filter((type) => ['endpoint.diverged', 'endpoint.repaired'].includes(type))
  expect(await troubles()).toMatchObject([
    {
      message: expect.stringContaining(
        'of container dead in network blue (interface eth0 is not in the container)',
      ),
      help: expect.stringContaining('conet reconcile'),
    },
  ])
  await fixture.client.previewReconciliation()
  await troubles()
  expect(await told()).toEqual(['endpoint.diverged'])
  await fixture.client.reconcile()
  expect(await told()).toEqual(['endpoint.diverged', 'endpoint.repaired'])
  expect(await troubles()).toEqual([])
})

it('an interface that the sync could not make anew is made beside such a default route once it can be, too', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.97.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} sh -ec '${command}'`)
  await fixture.driver('bridge').end('SIGKILL')
  inside(`ip link delete eth0; ip link add eth0 type ifb
    ip link add own type veth peer name far; ip link set own up; ip link set far up
    ip address add 192.0.2.2/24 dev own; ip route add default via 192.0.2.1`)
  await fixture.startDriver('bridge')
  const trouble = async () => (await fixture.client.getContainer('c')).endpoints[0]?.last_error
  await eventually(async () => expect(await trouble()).toContain('an interface "eth0"'))
  inside('ip link delete eth0')
  await eventually(() => expect(inside('ip -o -4 address show')).toMatch(/eth0 .*10\.97\.0\.2/), {
    timeoutMs: 20_000,
  })
  expect(inside('ip -4 route show default')).toMatch(/^default via 192\.0\.2\.1 dev own\s*$/)
})

it('an interface that is lost while its driver is away is made anew beside default routes that the container has made since', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} sh -ec '${command}'`)
  await fixture.driver('bridge').end('SIGKILL')
  inside(`ip link delete eth0
    ip link add own type veth peer name far; ip link set own up; ip link set far up
    ip address add 192.0.2.2/24 dev own; ip address add 2001:db8::2/64 dev own nodad
    ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1 metric 5`)
  await fixture.startDriver('bridge')
  expect(inside('ip -o address show dev eth0')).toMatch(/10\.97\.0\.2.*fd00:97::2/s)
  expect(inside('ip -4 route show default')).toMatch(/^default via 192\.0\.2\.1 dev own\s*$/)
  const ipv6 = inside('ip -6 route show default')
  expect(ipv6).toMatch(/via 2001:db8::1 dev own metric 5/)
  expect(ipv6).toMatch(/via fd00:97::1 dev eth0 .*metric 1024/)
  await eventually(() =>
    expect(readFileSync(fixture.conetd.logFile, 'utf8')).toContain('a route to 0.0.0.0/0 of its own'),
  )
  const { differences } = await fixture.client.previewReconciliation()
  expect(differences).toMatchObject([{ kind: 'endpoint', problem: 'failing' }])
  expect(differences[0]?.reason).toContain('0.0.0.0/0')
  inside('ip link delete own')
  expect((await fixture.client.reconcile()).differences).toMatchObject([{ outcome: 'repaired' }])
  expect(inside('ip -4 route show default')).toContain('via 10.97.0.1 dev eth0')
})

it('a default route of the container in the place of one that was lost is a finding of the status, until that one is back', async () => {
  const subnets = [{ subnet: '10.97.0.0/24' }, { subnet: 'fd00:97::/64' }]
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  const { sandbox } = await fixture.client.up('c')
  const inside = (command: string) => shell(`nsenter --net=${sandbox?.path} sh -ec '${command}'`)
  const troubles = async () =>
    (await fixture.client.status()).findings.filter(({ code }) => code === 'endpoint-in-trouble')
  await fixture.driver('bridge').end('SIGKILL')
  inside(`ip link delete eth0
    ip link add own type veth peer name far; ip link set own up; ip link set far up
    ip address add 192.0.2.2/24 dev own; ip address add 2001:db8::2/64 dev own nodad
    ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1`)
  await fixture.startDriver('bridge')
  const found =
    'of container c in network blue (the container goes by a route to 0.0.0.0/0 of its own (via 192.0.2.1 dev own) and a route to ::/0 of its own (via 2001:db8::1 dev own), and has none by eth0'
  await eventually(async () =>
    expect(await troubles()).toMatchObject([{ message: expect.stringContaining(found) }]),
  )
  expect((await fixture.client.reconcile()).differences).toMatchObject([
    { outcome: 'failed', error: { kind: 'conflict' } },
  ])
  expect((await fixture.client.previewReconciliation()).differences).toMatchObject([
    { repair: 'try again to make it as it should be: that has failed before' },
  ])
  await fixture.driver('bridge').end('SIGKILL')
  await eventually(async () =>
    expect((await fixture.client.previewReconciliation()).differences).toMatchObject([
      { repair: 'make it as it should be, once its driver is back' },
    ]),
  )
  await fixture.startDriver('bridge')
  expect(await troubles()).toMatchObject([
    { message: expect.stringContaining('another route to 0.0.0.0/0 (via 192.0.2.1 dev own)') },
  ])
  inside('ip link delete own')
  await eventually(async () => expect(await troubles()).toEqual([]))
  expect(inside('ip -4 route show default')).toContain('dev eth0')
})
