import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import { show } from '../support/iproute.ts'
import { NamespaceFixture } from '../support/namespace-fixture.ts'

let fixture: ConetdFixture
let fake: FakeDriver

/** As the driver answers it; a driver that cannot enter another namespace makes it in its own. */
const answered = {
  name: 'eth0',
  configuredBy: 'host',
  sourceName: 'src0',
  macAddress: '02:42:0a:5c:00:77',
  addresses: ['10.92.0.77/24'],
  routes: [],
}

const answer = (...interfaces: object[]) =>
  fake.plan({ methods: { 'endpoint/plug': { result: { interfaces } } } })
const ip = (...argv: string[]) => execFileSync('ip', argv, { stdio: 'pipe' })
const links = () => show('ip link show').map(({ ifname }) => ifname)
const logged = () => readFileSync(fixture.conetd.logFile, 'utf8')
/** Asks for what is answered. */
const plug = () =>
  fixture.client.plug('c', { network: 'lab', mac_address: answered.macAddress, addresses: ['10.92.0.77'] })

async function within(command: string): Promise<string> {
  const { sandbox } = await fixture.client.getContainer('c')
  return execFileSync('nsenter', [`--net=${sandbox?.path}`, 'sh', '-ec', command], { encoding: 'utf8' })
}

async function unplugAll(): Promise<void> {
  const { endpoints } = await fixture.client.getContainer('c')
  for (const { id } of endpoints) await fixture.client.unplug({ handle: 'c', endpoint: id })
  await fixture.settled()
}

beforeAll(async () => {
  fixture = await ConetdFixture.start()
  fake = await fixture.startFakeDriver()
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  ip('link', 'add', 'parent', 'type', 'veth', 'peer', 'name', 'wire')
  for (const name of ['src0', 'src1']) ip('link', 'add', 'link', 'parent', 'name', name, 'type', 'macvlan')
  await fixture.client.createNetwork({ name: 'lab', type: 'fake', subnets: [{ subnet: '10.92.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: [] })
  await fixture.client.up('c')
  answer(answered)
})

afterEach(async () => {
  ip('link', 'delete', 'parent')
  fake.plan({})
  await fixture.removeEverything()
})

describe('an interface that the driver leaves to the host', () => {
  it('[D16] is moved into the sandbox, named and addressed, and comes back at unplug', async () => {
    await plug()
    // The driver has not said it.
    expect((await fixture.client.getContainer('c')).endpoints[0]?.interfaces[0]?.mtu).toBe(1500)
    expect(links()).not.toContain('src0')
    expect(await within('ip -o address show eth0 up')).toContain('10.92.0.77/24')
    await unplugAll()
    expect(links()).toContain('src0')
  })

  it('has its MTU shown as the kernel has it, also where the driver made it and did not say', async () => {
    const { sourceName: _, ...made } = { ...answered, configuredBy: 'driver' }
    answer(answered, { ...made, name: 'extra', addresses: [] })
    await within('ip link add extra mtu 1357 type bridge')
    await plug()
    const [endpoint] = (await fixture.client.getContainer('c')).endpoints
    expect(endpoint?.interfaces.map(({ mtu }) => mtu)).toEqual([1500, 1357])
  })

  it('comes back when its driver is away, and when the container goes down', async () => {
    await plug()
    await fake.program.end('SIGKILL')
    expect(await fixture.client.down('c')).toEqual({ state: 'deleting' })
    expect(links()).toContain('src0')
    await fake.restart()
    await fixture.driversReady()
    await fixture.settled()
  })

  it('stays, of the veth kind, until its driver has confirmed, and goes then', async () => {
    ip('link', 'add', 'port', 'type', 'veth', 'peer', 'name', 'src2')
    answer({ ...answered, sourceName: 'src2' })
    await plug()
    await unplugAll()
    expect(links()).not.toContain('port')
    expect(await within('ip -o link')).not.toContain('eth0')
  })

  it('is configured again when its driver is told what should be, as the driver then says', async () => {
    await plug()
    await within('ip address flush dev eth0; ip link set eth0 down')
    answer({ ...answered, mtu: 1400 })
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
    expect(await within('ip -o address show eth0 up; ip link show eth0')).toMatch(
      /10.92.0.77\/24[\s\S]*mtu 1400/,
    )
    expect((await fixture.client.getContainer('c')).endpoints).toMatchObject([
      { interfaces: [{ mtu: 1400 }] },
    ])
  })

  it('keeps the MTU with which it came, though nobody asked for one', async () => {
    await plug()
    await within('ip link set eth0 mtu 1300')
    const { differences } = await fixture.client.previewReconciliation()
    expect(JSON.stringify(differences)).toContain('eth0 has MTU 1300 instead of 1500')
    await fixture.client.reconcile()
    expect(await within('ip -o link show eth0')).toContain('mtu 1500')
  })

  it('stays on record where its driver says later that there is none', async () => {
    await plug()
    answer()
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
    const [told] = (await fixture.client.getContainer('c')).endpoints
    expect(told).toMatchObject({
      last_error: expect.stringContaining('interfaces, which is empty, and eth0 was answered before'),
      interfaces: [{ name: 'eth0', mtu: 1500 }],
    })
    answer(answered)
    await fixture.client.reconcile()
    expect((await fixture.client.getContainer('c')).endpoints[0]).not.toHaveProperty('last_error')
  })

  it('stays as it was asked for, and on record, where its driver answers another MAC when it is told again', async () => {
    await plug()
    answer({ ...answered, macAddress: '02:42:0a:5c:00:99' })
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
    const told = {
      last_error: expect.stringMatching(/macAddress, which is \S+:99, and \S+:77 was asked for/),
    }
    const interfaces = [{ mac_address: answered.macAddress }]
    expect((await fixture.client.getContainer('c')).endpoints).toMatchObject([{ ...told, interfaces }])
    expect(await within('ip -o link show eth0')).toContain(answered.macAddress)
    answer(answered)
    await fixture.client.reconcile()
    expect((await fixture.client.getContainer('c')).endpoints[0]).not.toHaveProperty('last_error')
  })

  it('is shown as in trouble when it cannot be mended, until its driver has made it again', async () => {
    await plug()
    await within('ip link delete eth0')
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
    const { endpoints } = await fixture.client.getContainer('c')
    expect(endpoints).toMatchObject([{ last_error: expect.stringContaining('there is no src0') }])
    const { findings } = await fixture.client.status()
    expect(findings.map(({ code }) => code)).toContain('endpoint-in-trouble')
    ip('link', 'add', 'link', 'parent', 'name', 'src0', 'type', 'macvlan')
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
    expect(await within('ip -o address show eth0 up')).toContain('10.92.0.77/24')
    expect((await fixture.client.getContainer('c')).endpoints[0]).not.toHaveProperty('last_error')
  })

  it('has its name back when it was renamed in the container, by its driver’s start and by a reconciliation', async () => {
    ip('link', 'add', 'port', 'type', 'veth', 'peer', 'name', 'src2')
    answer({ ...answered, sourceName: 'src2' })
    await plug()
    const isWell = async () => {
      expect(await within('ip -o address show eth0 up')).toContain('10.92.0.77/24')
      expect((await fixture.client.getContainer('c')).endpoints[0]).not.toHaveProperty('last_error')
    }
    await within('ip link set eth0 name xx0')
    expect((await fixture.client.reconcile()).differences).toMatchObject([{ outcome: 'repaired' }])
    await isWell()
    await within('ip link set eth0 name xx0')
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
    await isWell()
    await within('ip link set eth0 name xx0')
    await unplugAll()
    expect(await within('ip -o link')).not.toContain('xx0')
  })

  it('says what has become of it, and what to do, when it was moved to another network namespace', async () => {
    using elsewhere = new NamespaceFixture()
    elsewhere.make('third')
    const { id } = await plug()
    await within(`ip link set eth0 netns ${elsewhere.path('third')}`)
    const said = expect.stringMatching(
      /it is not found in the container, under this or another name, and there is no src0 in .* unplug the endpoint and plug it again$/,
    )
    const { differences } = await fixture.client.reconcile()
    expect(differences).toMatchObject([{ id, outcome: 'failed', error: { message: said } }])
    expect((await fixture.client.getContainer('c')).endpoints).toMatchObject([{ last_error: said }])
  })

  it('comes back under another name, and the log says so, when its own is taken on the machine', async () => {
    await plug()
    ip('link', 'add', 'link', 'parent', 'name', 'src0', 'type', 'macvlan')
    await unplugAll()
    expect(await within('ip -o link')).not.toContain('eth0')
    expect(links()).toEqual(expect.arrayContaining(['src0', 'src0-1']))
    expect(logged()).toContain('interface eth0 went back as src0-1: another link is called src0')
  })

  it('stays, and the log says so, when its name and its MAC were changed in the container', async () => {
    const { id } = await plug()
    await within('ip link set eth0 down; ip link set eth0 name zz address 02:00:00:00:00:01')
    await unplugAll()
    expect(await within('ip -o link')).toContain('zz@')
    const said = `"endpointId":"${id}".*"interface":"eth0".*"links":\\["zz"\\].*interface eth0 was not taken out`
    expect(logged()).toMatch(new RegExp(said))
  })

  it('may be one of several, also of those that the driver configures', async () => {
    const second = {
      ...answered,
      name: 'eth1',
      sourceName: 'src1',
      macAddress: '02:42:0a:5d:00:07',
      addresses: ['10.93.0.7/24'],
    }
    answer(answered, { ...second, sysctls: { 'net/ipv4/conf/eth1/forwarding': '1' } })
    await plug()
    expect(await within('ip -o -4 address show; cat /proc/sys/net/ipv4/conf/eth1/forwarding')).toMatch(
      /eth0 .*10.92.0.77[\s\S]*eth1 .*10.93.0.7[\s\S]*\n1\n$/,
    )
    const { endpoints } = await fixture.client.getContainer('c')
    expect(endpoints[0]?.interfaces.map(({ name }) => name)).toEqual(['eth0', 'eth1'])
    fake.plan({})
    expect((await fixture.client.plug('c', { network: 'lab' })).interfaces[0]?.name).toBe('eth2')
    await unplugAll()
    expect(links()).toEqual(expect.arrayContaining(['src0', 'src1']))
  })

  it('reaches the sandbox though its driver is in a mount namespace of its own', async () => {
    await fake.program.end('SIGKILL')
    await fake.restart('unshare', '--mount', '--propagation', 'private')
    await fixture.driversReady()
    await fixture.client.down('c')
    const { sandbox } = await fixture.client.up('c')
    const seen = ['--mount', `--target=${fake.program.pid}`, 'stat', '--file-system', '--format=%T']
    expect(execFileSync('nsenter', [...seen, sandbox?.path ?? ''], { encoding: 'utf8' })).not.toContain(
      'nsfs',
    )
    await plug()
    expect(await within('ip -o address show eth0 up')).toContain('10.92.0.77/24')
    await unplugAll()
    expect(links()).toContain('src0')
    await fake.program.end('SIGKILL')
    await fake.restart()
    await fixture.driversReady()
  })
})

describe('a plug is undone, and names the field, when the driver answers', () => {
  const route = (change: object) => ({ ...answered, routes: [{ destination: '10.1.0.0/16', ...change }] })
  it.each<[string, string, object[]]>([
    ['another name than was asked for', 'interfaces[0].name', [{ ...answered, name: 'wan0' }]],
    ['one name twice', 'interfaces[1].name', [answered, { ...answered, sourceName: 'src1' }]],
    ['the loopback', 'interfaces[1].name', [answered, { ...answered, name: 'lo', sourceName: 'src1' }]],
    ['another MAC', 'interfaces[0].macAddress', [{ ...answered, macAddress: '02:42:0a:5c:00:99' }]],
    ['another address', 'interfaces[0].addresses', [{ ...answered, addresses: ['10.92.0.78/24'] }]],
    ['no source', 'interfaces[0].sourceName', [{ ...answered, sourceName: undefined }]],
    ['a source that is not there', 'interfaces[0].sourceName', [{ ...answered, sourceName: 'nothing' }]],
    ['a prefix out of range', 'interfaces[0].addresses[0]', [{ ...answered, addresses: ['10.92.0.77/33'] }]],
    ['what is no address', 'interfaces[0].addresses[0]', [{ ...answered, addresses: ['10.92.0/24'] }]],
    ['host bits in a route', 'interfaces[0].routes[0].destination', [route({ destination: '10.1.0.1/16' })]],
    ['a gateway of another family', 'interfaces[0].routes[0].gateway', [route({ gateway: 'fd00::1' })]],
    ['a source of another family', 'interfaces[0].routes[0].source', [route({ source: 'fd00::1' })]],
    ['what is no setting', 'interfaces[0].sysctls.net/x/y', [{ ...answered, sysctls: { 'net/x/y': '1' } }]],
    ['the sandbox as the source', 'sourceNamespace', [{ ...answered, sourceNamespace: 'SANDBOX' }]],
    [
      'a source namespace that is none',
      'sourceNamespace',
      [{ ...answered, sourceNamespace: '/proc/self/ns/uts' }],
    ],
  ])('%s', async (_what, path, interfaces) => {
    const { sandbox } = await fixture.client.getContainer('c')
    const text = JSON.stringify(interfaces).replace('SANDBOX', sandbox?.path ?? '')
    answer(...JSON.parse(text))
    await expect(plug()).rejects.toMatchObject({
      kind: 'protocolViolation',
      fields: [{ path: expect.stringContaining(path) }],
    })
    await fixture.settled()
    expect((await fixture.client.getContainer('c')).endpoints).toEqual([])
    expect(fake.calls().slice(-2)).toEqual(['endpoint/unplug', 'endpoint/delete'])
    expect(links()).toContain('src0')
    expect(await within('ip -o link')).not.toContain('eth')
  })

  it('an interface whose name the container has made, and that one stays', async () => {
    await within('ip link add eth0 type ifb')
    await expect(plug()).rejects.toMatchObject({ kind: 'conflict' })
    expect(links()).toContain('src0')
    expect(await within('ip -o link show eth0')).toContain('eth0')
  })

  it('two interfaces, of which the kernel refuses the second', async () => {
    const second = {
      ...answered,
      name: 'eth1',
      sourceName: 'src1',
      macAddress: '02:42:0a:5d:00:07',
      mtu: 65_000,
    }
    answer(answered, second)
    await expect(plug()).rejects.toMatchObject({ kind: 'kernelRefused' })
    expect(links()).toEqual(expect.arrayContaining(['src0', 'src1']))
    expect(await within('ip -o link')).not.toContain('eth')
  })

  it('in a sandbox that was taken away meanwhile', async () => {
    const { sandbox } = await fixture.client.getContainer('c')
    fake.plan({ methods: { 'endpoint/plug': { delayMs: 200, result: { interfaces: [answered] } } } })
    const refused = expect(plug()).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining('is not at'),
    })
    execFileSync('umount', ['--lazy', sandbox?.path ?? ''])
    await refused
    expect(links()).toContain('src0')
    await fixture.client.down('c')
  })
})

describe('conetd dies, and record and kernel agree afterwards, when it is', () => {
  it.each([
    ['plugging', 'host:endpoint:after-plug'],
    ['plugging', 'host:endpoint:interface-moved'],
    ['plugging', 'host:endpoint:interface-configured'],
    ['plugging', 'host:endpoint:settled'],
    ['plugging', 'host:endpoint:after-outcome'],
    ['unplugging', 'host:endpoint:interface-returned'],
  ])('%s, at %s', async (step, failpoint) => {
    const { id } = step === 'plugging' ? { id: '' } : await plug()
    fixture.arm('conetd', failpoint)
    const cut = step === 'plugging' ? plug() : fixture.client.unplug({ handle: 'c', endpoint: id })
    await expect(cut).rejects.toMatchObject({ kind: 'hostUnavailable' })
    expect(await fixture.conetd.ended()).toBe('SIGKILL')
    await fixture.start()
    await fixture.settled()
    const { endpoints } = await fixture.client.getContainer('c')
    expect(endpoints.length > 0).toBe((await within('ip -o link')).includes('eth0'))
    await unplugAll()
    expect(links()).toContain('src0')
    expect(await within('ip -o link')).not.toContain('eth0')
  })
})
