import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PlugParams, Role } from '@conet/sdk'
import { FileLock } from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  DriverClient,
  initializeParams,
  newId,
  sampleEndpoint,
  sampleNetwork,
} from '../../support/driver-client.ts'
import { eventually } from '../../support/eventually.ts'
import { type DriverProgram, startDriverProgram } from '../../support/fake-driver.ts'
import { inventory, show } from '../../support/iproute.ts'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { repository } from '../../support/repository.ts'
import { RunningPing } from '../../support/running-ping.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'

const program = join(repository, 'drivers/bridge/bin/conet-driver-bridge.js')
let directory: TemporaryDirectory
let namespaces: NamespaceFixture
let running: Instance[]

type Instance = { readonly program: DriverProgram; readonly client: DriverClient }

beforeEach(async () => {
  directory = await temporaryDirectory()
  namespaces = new NamespaceFixture()
  running = []
})

afterEach(async () => {
  for (const { client, program: driver } of running) {
    await client[Symbol.asyncDispose]()
    await driver[Symbol.asyncDispose]()
  }
  namespaces[Symbol.dispose]()
  await directory[Symbol.asyncDispose]()
})

async function start(name: string, role: Role, nodeId = initializeParams.nodeId): Promise<Instance> {
  const socketPath = join(directory.path, `${name}.sock`)
  const driver = await startDriverProgram({ program, args: ['--socket', socketPath], socketPath })
  const client = await DriverClient.initialized(socketPath, { role, nodeId })
  const instance = { program: driver, client }
  running.push(instance)
  return instance
}

function plugged(name: string, address: string): PlugParams {
  namespaces.make(name)
  namespaces.exec(name, 'ip link set lo up')
  const endpoint = sampleEndpoint(network)
  const macAddress = `02:42:0a:00:00:0${address.at(-1)}`
  const wanted = { ...endpoint.interface, macAddress, addresses: [`${address}/16`] }
  return { ...endpoint, interface: wanted, sandbox: { id: name, path: namespaces.path(name) } }
}

async function plug({ client }: Instance, { sandbox, ...endpoint }: PlugParams): Promise<void> {
  await client.call('endpoint/create', endpoint)
  await client.call('endpoint/plug', { ...endpoint, sandbox })
}

const network = sampleNetwork()
const guardDirectory = '/run/conet-driver-bridge'

/** Without what changes by itself: a route knows whether its bridge has a carrier yet. */
const kernel = () => {
  const picture = { ...inventory(), ports: show('bridge link'), firewall: show('nft list ruleset') }
  return JSON.parse(JSON.stringify(picture, (key, value) => (volatile.has(key) ? undefined : value)))
}
const volatile = new Set(['flags', 'state', 'handle'])
const page = (endpoints: PlugParams[]) => ({ syncId: 's', more: false, networks: [network], endpoints })

describe('an upgrade of the bridge driver while it works', () => {
  it('changes nothing in the kernel until the new instance is in charge, and loses no packet', async () => {
    const old = await start('old', 'active')
    await old.client.call('network/create', { network })
    const [one, two] = [plugged('one', '10.0.0.2'), plugged('two', '10.0.0.3')]
    await plug(old, one)
    await plug(old, two)
    namespaces.exec('one', 'ping -c 1 -W 2 10.0.0.3')
    const before = kernel()
    const rules = show('nft list ruleset')

    const fresh = await start('fresh', 'standby')
    const first = await fresh.client.call('driver/sync', page([one, two]))
    expect(first).toMatchObject({ repaired: [], failed: [], unknown: { networkIds: [], endpoints: [] } })
    expect(kernel()).toEqual(before)
    // With the handles: nothing was written, not even the same again.
    expect(show('nft list ruleset')).toEqual(rules)

    // What the old one does meanwhile is not undone.
    const other = { ...sampleNetwork(), subnets: [{ subnet: '10.7.0.0/16', gateway: '10.7.0.1' }] }
    await old.client.call('network/create', { network: other })
    const between = kernel()
    const networks = [network, other]
    const second = await fresh.client.call('driver/sync', { ...page([one, two]), syncId: 't', networks })
    expect(second).toMatchObject({ repaired: [], failed: [], unknown: { networkIds: [], endpoints: [] } })
    expect(kernel()).toEqual(between)

    fresh.client.peer.notify('initialized', { role: 'active' })
    await old.client.call('driver/drain', {})
    await fresh.client.call('network/delete', { networkId: other.id })
    expect(JSON.stringify(show('nft list ruleset'))).not.toContain(other.id.slice(0, 8))
    namespaces.exec('one', 'ping -c 1 -W 2 10.0.0.3')
    old.client.peer.notify('rejected', { code: 1311, name: 'replaced', message: 'by another' })
    expect(await old.program.exited).toBe(0)
    namespaces.exec('one', 'ping -c 1 -W 2 10.0.0.3')
    expect(kernel()).toEqual(before)
    for (const { endpointId } of [one, two]) {
      await fresh.client.call('endpoint/delete', { networkId: network.id, endpointId })
    }
    await fresh.client.call('network/delete', { networkId: network.id })
    expect(show('ip link').map(({ ifname }) => ifname)).toEqual(['lo'])
  })

  it('keeps policies in force all the time: what is allowed and mapped loses nothing, what is denied never passes', async () => {
    namespaces.make('outside')
    const sh = (command: string) => execFileSync('sh', ['-ec', command])
    sh(`ip link add up0 type veth peer name eth0 netns ${namespaces.path('outside')}
        ip link set up0 up; ip address add 192.0.2.1/24 dev up0`)
    namespaces.exec(
      'outside',
      'ip link set eth0 up; ip address add 192.0.2.2/24 dev eth0; ip address add 192.0.2.3/24 dev eth0',
    )
    const strict = { ...network, id: newId(), config: { egress: 'deny' } }
    const old = await start('old', 'active')
    await old.client.call('network/create', { network: strict })
    const box: PlugParams = {
      ...plugged('box', '10.0.0.2'),
      network: strict,
      policy: { net_out: [{ protocol: 'icmp', networks: ['192.0.2.2'] }], limits: { rate: 10_000_000 } },
      portMappings: [{ protocol: 'tcp', hostPort: 8080, containerPort: 80 }],
    }
    await plug(old, box)
    await using inBox = new TrafficPeer('box', namespaces.path('box'))
    await using outside = new TrafficPeer('outside', namespaces.path('outside'))
    await inBox.listen('tcp', 80)
    const namespacePath = namespaces.path('box')
    const allowed = new RunningPing({ namespacePath, address: '192.0.2.2' })
    const denied = new RunningPing({ namespacePath, address: '192.0.2.3' })
    await allowed.goesOn()
    const mapped = async () =>
      expect(await outside.tcp({ address: '192.0.2.1', port: 8080 })).toBe('box sees 192.0.2.2')

    const whole = { ...page([box]), networks: [strict] }
    const fresh = await start('fresh', 'standby')
    await fresh.client.call('driver/sync', whole)
    await mapped()
    const again = await fresh.client.call('driver/sync', { ...whole, syncId: 't' })
    expect(again).toMatchObject({ repaired: [], failed: [] })
    fresh.client.peer.notify('initialized', { role: 'active' })
    await old.client.call('driver/drain', {})
    await mapped()
    old.client.peer.notify('rejected', { code: 1311, name: 'replaced', message: 'by another' })
    expect(await old.program.exited).toBe(0)
    await mapped()
    // And the new one knows what it has to change.
    const { policy: _, ...open } = { ...box, portMappings: [] }
    await allowed.goesOn()
    const { sent, received } = await allowed.stop()
    expect(sent - received).toBeLessThanOrEqual(1)
    expect(await denied.stopUnanswered()).toBe(0)
    await fresh.client.call('endpoint/policy', open)
    expect(await outside.tcp({ address: '192.0.2.1', port: 8080 })).toBe('failed: ECONNREFUSED')
    await fresh.client.call('endpoint/delete', { networkId: strict.id, endpointId: box.endpointId })
    await fresh.client.call('network/delete', { networkId: strict.id })
    sh('ip link delete up0')
    expect(execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })).toBe('')
  })

  it('is admitted only for the host that the working instance serves, also after that has ended', async () => {
    const old = await start('old', 'active')
    await old.client.call('network/create', { network })
    const fresh = await start('fresh', 'standby')
    await fresh.client.call('driver/sync', page([]))
    fresh.client.peer.notify('initialized', { role: 'active' })
    await old.client.call('driver/drain', {})

    const foreign = await start('foreign', 'active', 'another-node')
    const refused = /another bridge driver \(pid \d+\) works in this network namespace, for another host/
    await expect(foreign.client.call('network/list', {})).rejects.toThrow(refused)
    old.client.peer.notify('rejected', { code: 1311, name: 'replaced', message: 'by another' })
    await old.program.exited
    // The guard passes to the new instance in a moment; before it does the foreign one must not ask.
    await eventually(() => expect(holder()).toBe(fresh.program.pid))
    await expect(foreign.client.call('network/list', {})).rejects.toThrow(refused)
    const complaints = foreign.client.notices.filter(({ params }) => params?.level === 'error')
    expect(complaints.length).toBeLessThanOrEqual(2)
    expect(JSON.stringify(complaints)).not.toContain('stack')
    await fresh.client.call('network/delete', { networkId: network.id })
  })

  it('goes on trying for a namespace in which the driver of another host was quicker, and is ready when it has it', async () => {
    const old = await start('old', 'active')
    await old.client.call('network/list', {})
    const fresh = await start('fresh', 'standby')
    fresh.client.peer.notify('initialized', { role: 'active' })
    await fresh.client.call('network/list', {})
    process.kill(fresh.program.pid, 'SIGSTOP')
    await old.program.end('SIGKILL')
    const foreign = FileLock.acquire(lockFile(), 'another-node')
    process.kill(fresh.program.pid, 'SIGCONT')
    if (!foreign.ok) throw new Error('the lock is held by somebody else')
    const readiness = () => fresh.client.notices.filter(({ method }) => method === 'driver/readiness')
    const reason = expect.stringMatching(/works in this network namespace, for another host/)
    await eventually(() => expect(readiness().at(-1)?.params).toEqual({ ready: false, reason }))
    foreign.lock.release()
    await eventually(() => expect(readiness().at(-1)?.params).toEqual({ ready: true }))
    expect(holder()).toBe(fresh.program.pid)
    expect(readiness()).toHaveLength(2)
  })

  it('is taken back: the old instance works as before when the new one dies', async () => {
    const old = await start('old', 'active')
    await old.client.call('network/create', { network })
    const one = plugged('one', '10.0.0.2')
    await plug(old, one)
    const before = kernel()
    const fresh = await start('fresh', 'standby')
    await fresh.client.call('driver/sync', page([one]))
    fresh.client.peer.notify('initialized', { role: 'active' })
    await old.client.call('driver/drain', {})
    await fresh.program.end('SIGKILL')
    const back = await old.client.call('driver/sync', { ...page([one]), syncId: 'back' })
    expect(back).toMatchObject({ repaired: [], failed: [], unknown: { networkIds: [], endpoints: [] } })
    expect(kernel()).toEqual(before)
    await plug(old, plugged('two', '10.0.0.3'))
    namespaces.exec('one', 'ping -c 1 -W 2 10.0.0.3')
  })
})

describe('the directory of the guard', () => {
  it('is root’s alone, so that nobody else can take a namespace', async () => {
    const { client } = await start('only', 'active')
    await client.call('network/list', {})
    const { uid, mode } = statSync(guardDirectory)
    expect({ uid, mode: mode & 0o777 }).toEqual({ uid: 0, mode: 0o700 })
  })

  it('lets no other user near the lock, by its name or through a file of the same name', async () => {
    const { client } = await start('only', 'active')
    await client.call('network/list', {})
    const nobody = 65_534
    const attempts = `touch ${guardDirectory}/x && echo made; flock -n ${lockFile()} true && echo taken`
    const { stdout, stderr } = spawnSync('sh', ['-c', attempts], {
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/Permission denied/)
  })
})

/** Who holds the namespace, as the guard's file says. */
function holder(): number {
  return Number.parseInt(readFileSync(lockFile(), 'utf8'), 10)
}

function lockFile(): string {
  const { ino } = statSync('/proc/self/ns/net', { bigint: true })
  return join(guardDirectory, `${ino}.lock`)
}
