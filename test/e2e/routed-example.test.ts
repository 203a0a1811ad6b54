// A driver that routes in a namespace of its own: containers see one interface, and all their networks are behind it.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conformanceOf, failuresOf } from '../support/conformance-program.ts'
import { eventually } from '../support/eventually.ts'

const type = 'routed-example'
let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: [type, 'null'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'red', type, subnets: [{ subnet: '10.71.0.0/24' }] })
  await fixture.client.createNetwork({ name: 'blue', type, subnets: [{ subnet: '10.72.0.0/24' }] })
})
afterEach(() => fixture.removeEverything())

async function start(handle: string, ...networks: string[]): Promise<void> {
  await fixture.client.putContainerConfig(handle, { attach_to: networks })
  await fixture.client.up(handle)
}

async function run(handle: string, command: string): Promise<string> {
  const { sandbox } = await fixture.client.getContainer(handle)
  const argv = [`--net=${sandbox?.path}`, 'sh', '-ec', command]
  return execFileSync('nsenter', argv, { encoding: 'utf8', stdio: 'pipe' })
}

const addressOf = async (handle: string, network: string) => {
  const { networks } = await fixture.client.getContainer(handle)
  return networks[network]?.container_ip ?? ''
}

const ping = (from: string, address: string) => run(from, `ping -c 1 -W 2 ${address}`)

const interfacesIn = async (handle: string) =>
  (await run(handle, 'ip -br link')).split('\n').flatMap((line) => line.match(/^(\w+)@/)?.[1] ?? [])

const onlyInterfaceOf = async (handle: string) =>
  (await fixture.client.getContainer(handle)).endpoints[0]?.interfaces[0]

describe('the networks of a driver that has a sandbox of its own for each container', () => {
  it('[A6] are behind one interface of the container, and each is in what is told of it', async () => {
    await start('both', 'red', 'blue')
    expect(await interfacesIn('both')).toEqual(['eth0'])
    const { networks } = await fixture.client.getContainer('both')
    expect(networks).toMatchObject({
      red: { interface: 'eth0', container_ip: '10.71.0.2', host_ip: '10.71.0.1', default_route: true },
      blue: { interface: 'eth0', container_ip: '10.72.0.2', host_ip: '10.72.0.1', default_route: false },
    })
    expect(await fixture.client.getNetwork('red')).toMatchObject({ sandbox: 'private' })
  })

  it('[A6] are each reached through it, and reach it', async () => {
    await start('both', 'red', 'blue')
    await start('one', 'red')
    await start('two', 'blue')
    for (const [other, network] of [
      ['one', 'red'],
      ['two', 'blue'],
    ] as const) {
      await ping('both', await addressOf(other, network))
      await ping(other, await addressOf('both', network))
    }
  })

  it('[A6] count what went through them by their names', async () => {
    await start('both', 'red', 'blue')
    await start('two', 'blue')
    const before = await fixture.client.getContainerMetrics('both')
    await run('both', `ping -q -c 5 -i 0.05 -s 1000 ${await addressOf('two', 'blue')}`)
    const after = await fixture.client.getContainerMetrics('both')
    const sent = (network: string) =>
      (after.networks[network]?.tx_bytes ?? 0) - (before.networks[network]?.tx_bytes ?? 0)
    expect(sent('blue')).toBeGreaterThan(5000)
    expect(sent('red')).toBeLessThan(1000)
  })

  it('[A6] come and go while the container runs; the interface goes with the last', async () => {
    await start('both', 'red')
    await start('two', 'blue')
    const blue = await fixture.client.plug('both', { network: 'blue' })
    expect(blue.interfaces).toMatchObject([{ name: 'eth0', addresses: ['10.72.0.3/24'] }])
    await ping('both', await addressOf('two', 'blue'))
    const red = (await fixture.client.getContainer('both')).networks.red?.endpoint_id ?? ''
    await fixture.client.unplug({ handle: 'both', endpoint: red })
    await ping('both', await addressOf('two', 'blue'))
    expect(await run('both', 'ip -br -4 address show eth0')).toContain('10.72.0.3/24')
    expect(await run('both', 'ip -br -4 address show eth0')).not.toContain('10.71.0.2')
    await fixture.client.unplug({ handle: 'both', endpoint: blue.id })
    expect(await interfacesIn('both')).toEqual([])
  })

  it('[A6] [C3] keep what is theirs when another one goes: addresses of the same subnet, and the link-local one', async () => {
    const again = { network: 'red', name: 'again' }
    await fixture.client.putContainerConfig('c', { attach_to: ['red', again, 'blue'] })
    const { endpoints } = await fixture.client.up('c')
    await fixture.client.unplug({ handle: 'c', endpoint: endpoints[0]?.id ?? '' })
    const addresses = await run('c', 'ip -br address show eth0')
    expect(addresses).not.toContain('10.71.0.2')
    for (const kept of ['10.71.0.3/24', '10.72.0.2/24', 'fe80::']) expect(addresses).toContain(kept)
    await start('one', 'red')
    await ping('one', '10.71.0.3')
    await ping('c', await addressOf('one', 'red'))
    expect((await fixture.client.previewReconciliation()).differences).toEqual([])
  })

  it('[A6] take the default route with them', async () => {
    await start('both', 'red', 'blue')
    expect(await run('both', 'ip -4 route show default')).toContain('10.71.0.1')
    const red = (await fixture.client.getContainer('both')).networks.red?.endpoint_id ?? ''
    await fixture.client.unplug({ handle: 'both', endpoint: red })
    expect(await run('both', 'ip -4 route show default')).toBe('')
  })

  it('[A6] come at once, and go at once, with nothing left', async () => {
    await fixture.client.putContainerConfig('c', { attach_to: [] })
    await fixture.client.up('c')
    for (let round = 0; round < 3; round++) {
      const names = ['red', 'blue', 'red', 'blue']
      const plugged = await Promise.all(
        names.map((network, n) => fixture.client.plug('c', { network, name: `${network}-${n}` })),
      )
      expect(await interfacesIn('c')).toEqual(['eth0'])
      await fixture.client.down('c')
      await fixture.client.up('c')
      const { endpoints } = await fixture.client.getContainer('c')
      expect(endpoints).toHaveLength(plugged.length)
      await Promise.all(endpoints.map(({ id }) => fixture.client.unplug({ handle: 'c', endpoint: id })))
    }
    expect(await interfacesIn('c')).toEqual([])
  })

  it('[A6] leave a default route that is somebody else’s', async () => {
    await fixture.client.putContainerConfig('c', { attach_to: [] })
    await fixture.client.up('c')
    await run('c', 'ip link add own type veth peer name other; ip link set own up; ip link set other up')
    await run('c', 'ip address add 192.0.2.2/24 dev own; ip route add default via 192.0.2.1 dev own')
    await expect(fixture.client.plug('c', { network: 'red', default_route: true })).rejects.toMatchObject({
      kind: 'conflict',
    })
    expect(await run('c', 'ip -4 route show default')).toContain('192.0.2.1')
    expect((await interfacesIn('c')).filter((name) => name.startsWith('eth'))).toEqual([])
  })

  it('[A6] come back, when their interface was lost, beside a default route that the container has made since', async () => {
    await start('c', 'red')
    await run('c', 'ip link delete eth0')
    await run('c', 'ip link add own type veth peer name other; ip link set own up; ip link set other up')
    await run('c', 'ip address add 192.0.2.2/24 dev own; ip route add default via 192.0.2.1 dev own')
    await fixture.startDriver(type)
    await eventually(async () =>
      expect((await fixture.client.previewReconciliation()).differences).toMatchObject([
        { reason: expect.stringContaining('0.0.0.0/0') },
      ]),
    )
    expect(await run('c', 'ip -o -4 address show eth0')).toContain('10.71.0.2/24')
    await start('one', 'red')
    await ping('one', await addressOf('c', 'red'))
    expect(await run('c', 'ip -4 route show default')).toMatch(/^default via 192\.0\.2\.1 dev own\s*$/)
  })

  it('[A6] leave nothing where the driver dies between an uplink and the namespace that routes', async () => {
    await start('c', 'red')
    const { endpoint_id: id = '' } = (await fixture.client.getContainer('c')).networks.red ?? {}
    await fixture.driver(type).end('SIGKILL')
    execFileSync('ip', ['link', 'delete', `rtp${id.slice(0, 12)}`])
    await fixture.client.down('c')
    await fixture.startDriver(type)
    await fixture.settled()
    await eventually(() =>
      expect(existsSync('/run/conet-routed') ? readdirSync('/run/conet-routed') : []).toEqual([]),
    )
    await fixture.client.up('c')
    expect(await interfacesIn('c')).toEqual(['eth0'])
  })

  it('[A6] stand beside interfaces of other drivers, and refuse another name than the one that they share', async () => {
    await fixture.client.createNetwork({ name: 'none', type: 'null' })
    await fixture.client.putContainerConfig('c', {
      attach_to: ['red', 'none', { network: 'blue', interface: 'lan0' }],
    })
    await fixture.client.up('c')
    expect((await fixture.client.getContainer('c')).networks).toMatchObject({
      red: { interface: 'lan0' },
      none: { interface: 'eth0' },
      blue: { interface: 'lan0' },
    })
    await expect(
      fixture.client.plug('c', { network: 'red', name: 'again', interface: 'lan1' }),
    ).rejects.toMatchObject({
      kind: 'conflict',
      fields: [{ path: 'interface' }],
    })
  })

  it.each(['a reconciliation', 'a new life of the driver'])(
    '[A6] have the MAC and the MTU of their interface back after %s, and never tell of another',
    async (occasion) => {
      await start('both', 'red', 'blue')
      await start('two', 'blue')
      const before = await fixture.client.getContainer('both')
      await fixture.client.unplug({ handle: 'both', endpoint: before.networks.red?.endpoint_id ?? '' })
      const { mac_address: mac = '', mtu } = (await onlyInterfaceOf('both')) ?? {}
      await run('both', 'ip link set eth0 address 02:00:00:00:00:99 mtu 1300')
      if (occasion === 'a reconciliation') await fixture.client.reconcile()
      else await fixture.startDriver(type)
      await eventually(async () => expect(await run('both', 'ip link show eth0')).toContain(mac))
      expect(await run('both', 'ip link show eth0')).toContain(`mtu ${mtu} `)
      expect(await onlyInterfaceOf('both')).toMatchObject({ mac_address: mac, mtu })
      await ping('both', await addressOf('two', 'blue'))
    },
  )

  it('[A6] have their interface back under its name, and a word of it where somebody has moved it away', async () => {
    await start('both', 'red', 'blue')
    await start('two', 'blue')
    await run('both', 'ip link set eth0 name xx0')
    const { differences } = await fixture.client.reconcile()
    expect(new Set(differences.map(({ outcome }) => outcome))).toEqual(new Set(['repaired']))
    expect(await interfacesIn('both')).toEqual(['eth0'])
    await ping('both', await addressOf('two', 'blue'))
    await run('both', `ip link set eth0 netns ${process.pid}`)
    const said = expect.stringMatching(
      /eth0 is not in the container: somebody has moved it .* plug them again/,
    )
    expect((await fixture.client.reconcile()).differences).toMatchObject([
      { outcome: 'failed', error: { message: said } },
      { outcome: 'failed', error: { message: said } },
    ])
    const { endpoints } = await fixture.client.getContainer('both')
    for (const { id } of endpoints) await fixture.client.unplug({ handle: 'both', endpoint: id })
    await fixture.client.plug('both', { network: 'blue' })
    await ping('both', await addressOf('two', 'blue'))
  })

  it('[A6] are as they should be, and stay so over new lives of conetd and the driver', async () => {
    await start('both', 'red', 'blue')
    await start('two', 'blue')
    expect((await fixture.client.previewReconciliation()).differences).toEqual([])
    await fixture.startDriver(type)
    await fixture.restart()
    await ping('both', await addressOf('two', 'blue'))
    expect((await fixture.client.previewReconciliation()).differences).toEqual([])
  })
})

it('[A6] [K7] such a driver keeps the contract, as far as it can be seen in the kernel', {
  timeout: 420_000,
}, async () => {
  const { report } = await conformanceOf(type, ['--only', 'kernel,plug,model.plugs', '--seed', '1'])
  expect(failuresOf(report)).toEqual([])
  expect(report.checks.find(({ id }) => id === 'kernel.shared-interface')?.status).toBe('pass')
})
