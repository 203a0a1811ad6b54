// Three machines, the vxlan driver on each, one etcd: containers on different machines talk to each other.
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { type DriverProgram, startDriverProgram } from '../../support/fake-driver.ts'
import { expectTablesLikeDirectory, partition } from '../../support/partition-story.ts'
import { repository } from '../../support/repository.ts'
import { RunningPing } from '../../support/running-ping.ts'
import { type UnderlayHost, UnderlayHosts } from '../../support/underlay-hosts.ts'

let machines: UnderlayHosts

beforeAll(async () => {
  machines = await UnderlayHosts.start(3)
})
afterAll(() => machines?.[Symbol.asyncDispose](), 60_000)

const host = (number: number) => machines.host(number)

const forwarding = (on: UnderlayHost) => machines.on(on, 'bridge fdb show | grep dst || true')

it('containers of one network reach each other on all machines, large packets included, until they are unplugged', async () => {
  const subnets = [{ subnet: '10.7.0.0/24' }, { subnet: 'fd00:7::/64' }]
  await host(1).client.createNetwork({ name: 'blue', type: 'vxlan', subnets })
  const endpoints = await Promise.all([1, 2, 3].map((number) => host(number).plug(`c${number}`, 'blue')))
  for (const { published, interfaces } of endpoints) {
    expect(published).toBe(true)
    expect(interfaces[0]).toMatchObject({ mtu: 1450 })
  }
  const addresses = endpoints.flatMap(({ interfaces }) => interfaces[0]?.addresses ?? [])
  expect(new Set(addresses).size).toBe(6)
  for (const number of [1, 2, 3]) {
    for (const address of addresses) {
      const to = address.split('/')[0] ?? ''
      const size = 1450 - 8 - (to.includes(':') ? 40 : 20)
      await eventually(() => host(number).inside(`c${number}`, `ping -q -c1 -W1 -M do -s ${size} ${to}`), {
        timeoutMs: 10_000,
        everyMs: 100,
      })
    }
  }
  const [first, second] = endpoints
  if (first === undefined || second === undefined) throw new Error('not plugged')
  const mac = first.interfaces[0]?.mac_address ?? ''
  expect(forwarding(host(2))).toContain(`${mac} dev`)
  expect(forwarding(host(2))).toContain('dst 192.0.2.1')
  await host(1).client.unplug({ handle: 'c1', endpoint: first.id })
  await eventually(() => expect(forwarding(host(2))).not.toContain(mac))
  await eventually(() => expect(forwarding(host(3))).not.toContain(mac))
  await host(3).inside('c3', `ping -q -c1 -W1 ${addressOf(second)}`)
  await expect(host(1).client.deleteNetwork('blue')).rejects.toMatchObject({
    kind: 'inUse',
    details: { containers: { host2: ['c2'], host3: ['c3'] } },
  })
  for (const number of [1, 2, 3]) await host(number).client.deleteContainer(`c${number}`)
  await eventually(() => host(1).client.deleteNetwork('blue'))
  await eventually(async () => expect((await host(3).client.listNetworks()).networks).toEqual([]))
  for (const number of [1, 2, 3])
    await eventually(() =>
      expect(machines.on(host(number), 'ip -br link | grep -c cn || true').trim()).toBe('0'),
    )
})

it('a host that is cut off for a moment, with plugs and unplugs on both sides, has no duplicate address and no stale entry after it', async () => {
  const subnets = [{ subnet: '10.8.0.0/24' }, { subnet: 'fd00:8::/64' }]
  const network = await host(2).client.createNetwork({ name: 'red', type: 'vxlan', subnets })
  await partition(machines, { network, seconds: 2 })
  await eventually(() => host(1).client.deleteNetwork('red'), { timeoutMs: 20_000 })
})

it('a bridge, a tunnel or an entry that somebody has damaged on one of them is as it was after a reconciliation, with all that was behind it', async () => {
  const subnets = [{ subnet: '10.10.0.0/24' }]
  const { id } = await host(1).client.createNetwork({ name: 'grey', type: 'vxlan', subnets })
  const [, second] = await Promise.all([1, 2, 3].map((number) => host(number).plug(`c${number}`, 'grey')))
  const reach = () => host(1).inside('c1', `ping -q -c1 -W1 ${second === undefined ? '' : addressOf(second)}`)
  await eventually(reach, { timeoutMs: 10_000 })
  const [bridge, tunnel] = [`cnx${id.slice(0, 12)}`, `cnt${id.slice(0, 12)}`]
  const mac = second?.interfaces[0]?.mac_address ?? ''
  for (const [damage, reason] of [
    [`ip link delete ${bridge}`, undefined],
    [`ip link delete ${tunnel}`, `tunnel ${tunnel} is not there`],
    [`ip link set ${tunnel} down`, `tunnel ${tunnel} is down`],
    [
      `bridge fdb replace ${mac} dev ${tunnel} self dst 192.0.2.77`,
      `${mac}, which has 192.0.2.77 instead of 192.0.2.2`,
    ],
  ] as const) {
    await eventually(() => expectTablesLikeDirectory(machines, id), { timeoutMs: 20_000 })
    expect((await host(1).client.previewReconciliation()).differences).toEqual([])
    machines.on(host(1), damage)
    await expect(reach(), damage).rejects.toThrow()
    const { differences } = await host(1).client.reconcile()
    expect(new Set(differences.map(({ outcome, error }) => error?.message ?? outcome))).toEqual(
      new Set(['repaired']),
    )
    if (reason !== undefined)
      expect(differences).toMatchObject([{ kind: 'network', reason: expect.stringContaining(reason) }])
    await eventually(reach, { timeoutMs: 10_000 })
  }
  for (const number of [1, 2, 3]) await host(number).client.deleteContainer(`c${number}`)
  await eventually(() => host(1).client.deleteNetwork('grey'), { timeoutMs: 20_000 })
})

/** A second vxlan driver on the host, which has taken over from the first when this resolves. */
async function secondDriver(on: UnderlayHost): Promise<DriverProgram> {
  const socketPath = join(dirname(on.conetd.socket), 'drivers', 'vxlan-2.sock')
  const driver = await startDriverProgram({
    program: join(repository, 'drivers/vxlan/bin/conet-driver-vxlan.js'),
    args: ['--socket', socketPath],
    socketPath,
    through: ['nsenter', `--net=${machines.namespaceOf(on)}`],
  })
  const inCharge = async () => {
    const { drivers } = await on.client.listDrivers()
    return drivers.find(({ socket }) => socket === socketPath)
  }
  await eventually(async () => expect(await inCharge()).toMatchObject({ state: 'ready', role: 'active' }), {
    timeoutMs: 20_000,
  })
  return driver
}

it('a driver that is upgraded on one of them, and one that is killed after that, lose no packet of a running ping, and go on with the directory', async () => {
  const subnets = [{ subnet: '10.9.0.0/24' }]
  const { id } = await host(1).client.createNetwork({ name: 'green', type: 'vxlan', subnets })
  const [, second] = await Promise.all([1, 2].map((number) => host(number).plug(`c${number}`, 'green')))
  const { sandbox } = await host(1).client.getContainer('c1')
  const address = second === undefined ? '' : addressOf(second)
  await eventually(() => host(1).inside('c1', `ping -q -c1 -W1 ${address}`), { timeoutMs: 10_000 })
  const ping = new RunningPing({ namespacePath: sandbox?.path ?? '', address })
  await ping.goesOn()
  await using newcomer = await secondDriver(host(1))
  await ping.goesOn()
  await newcomer.end('SIGKILL')
  const third = await host(3).plug('c3', 'green')
  await eventually(() => host(1).inside('c1', `ping -q -c1 -W1 ${addressOf(third)}`), { timeoutMs: 20_000 })
  await eventually(() => expectTablesLikeDirectory(machines, id), { timeoutMs: 20_000 })
  await ping.goesOn()
  const { sent, received } = await ping.stop()
  expect(sent - received).toBe(0)
  for (const number of [1, 2, 3]) await host(number).client.deleteContainer(`c${number}`)
  await eventually(() => host(1).client.deleteNetwork('green'), { timeoutMs: 20_000 })
})

it('another MTU of the underlay is shown with the one before, and taken up by reconciliation without a packet lost', async () => {
  const { id } = await host(1).client.createNetwork({ name: 'narrow', type: 'vxlan' })
  const [first, second] = await Promise.all([1, 2].map((number) => host(number).plug(`c${number}`, 'narrow')))
  if (first === undefined || second === undefined) throw new Error('not plugged')
  const namespacePath = (await host(1).client.getContainer('c1')).sandbox?.path ?? ''
  const ping = new RunningPing({ namespacePath, address: addressOf(second) })
  try {
    await ping.goesOn()
    machines.on(host(1), 'ip link set eth0 mtu 1400')
    const { findings } = await host(1).client.status()
    const reason = `tunnel cnt${id.slice(0, 12)}: its MTU is 1450, and is to be 1350 by that of the underlay now`
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'network-in-trouble', message: expect.stringContaining(reason) }),
    )
    // The network, then its endpoints.
    await host(1).client.reconcile()
    await host(1).client.reconcile()
    const mtus = (await host(1).client.getContainer('c1')).endpoints.map(
      ({ interfaces }) => interfaces[0]?.mtu,
    )
    expect(mtus).toEqual([1350])
    expect(JSON.parse(await host(1).inside('c1', 'ip -j link show eth0'))[0].mtu).toBe(1350)
    const after = (await host(1).client.status()).findings.map(({ code }) => code)
    expect(after.filter((code) => code.endsWith('-in-trouble'))).toEqual([])
    const { sent, received } = await ping.stop()
    expect(sent - received).toBe(0)
  } finally {
    await ping.stopUnanswered()
    machines.on(host(1), 'ip link set eth0 mtu 1500')
    for (const number of [1, 2]) await host(number).client.deleteContainer(`c${number}`)
    await eventually(() => host(1).client.deleteNetwork('narrow'), { timeoutMs: 20_000 })
  }
})
