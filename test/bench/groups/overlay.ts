// Three machines and an etcd: how soon a change of the directory is in all kernels, how soon a container is reached that was
// just plugged on another machine, and what one TCP stream carries.
import { randomBytes } from 'node:crypto'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { keys } from '@conet/host/cluster/keys'
import type { SharedStore } from '@conet/host/cluster/shared-store'
import { Rollback } from '@conet/sdk'
import { eventually } from '../../support/eventually.ts'
import { temporaryNamespace } from '../../support/temporary-namespace.ts'
import { type UnderlayHost, UnderlayHosts } from '../../support/underlay-hosts.ts'
import { interleave, type Measured, type Side } from '../interleave.ts'
import { Helper } from '../overlay/helper.ts'
import { type Group, type Run, wantsAny } from './group.ts'

const rounds = 60
const streamRounds = 6
const streamSeconds = 1
const port = 5001
const network = 'bench'
const directoryRows = ['etcd-put-watch', 'peer-change', 'published-reach']
const streamRows = ['underlay-stream', 'tunnel-stream', 'handmade-stream', 'overlay-stream']

export const overlay: Group = {
  rows: [...directoryRows, ...streamRows],
  async measure(run) {
    run.progress('overlay: starting three hosts')
    await using undo = new Rollback()
    const machines = await UnderlayHosts.start(3)
    undo.defer('end the hosts', () => machines[Symbol.asyncDispose]())
    const [first] = machines.hosts
    if (first === undefined) return
    const made = await first.client.createNetwork({
      name: network,
      type: 'vxlan',
      subnets: [{ subnet: '10.7.0.0/16' }],
    })
    undo.defer('remove what was made', () => removeAll(machines))
    for (const [n, host] of machines.hosts.entries()) await host.plug(`c${n + 1}`, network)
    if (wantsAny(run, ...directoryRows)) await measureDirectory(run, machines, made.id)
    if (wantsAny(run, ...streamRows)) await measureStreams(run, machines)
  },
}

async function measureDirectory(run: Run, machines: UnderlayHosts, networkId: string): Promise<void> {
  await using undo = new Rollback()
  const store = new EtcdStore({ endpoints: [machines.etcd.endpoint] })
  undo.defer('close the store', async () => store.close())
  const monitors = machines.hosts.map((host) =>
    Helper.run(machines.namespaceOf(host), 'ip', 'monitor', 'neigh'),
  )
  for (const monitor of monitors) undo.defer('end a monitor', () => monitor[Symbol.asyncDispose]())
  const sides: Side[] = [
    { warmUps: 20, round: await putToWatch(store, undo) },
    { warmUps: 200, round: () => peerChange(store, monitors, networkId) },
    { warmUps: 5, round: await reachPublished(machines, undo) },
  ]
  const { signal, progress } = run
  await interleave(sides, run.samples, { rounds, signal, progress, title: 'overlay: the directory' })
}

/** From a put to its own watch. */
async function putToWatch(store: SharedStore, undo: Rollback): Promise<Side['round']> {
  const prefix = '/bench/'
  const end = new AbortController()
  let seen: () => void = () => undefined
  const { revision } = await store.commit([], [])
  const watch = store.watch(prefix, { after: revision, signal: end.signal, changed: () => seen() })
  undo.defer('end the watch', () => {
    end.abort()
    return watch
  })
  return async () => {
    const start = performance.now()
    const watched = new Promise<number>((resolve) => {
      seen = () => resolve(performance.now() - start)
    })
    await store.commit([], [{ put: `${prefix}key`, value: randomBytes(100).toString('hex') }])
    return [['etcd-put-watch', await watched]]
  }
}

let nextPeer = 1

/** A node that is not there says that it has an endpoint, until the last of three kernels has its entries. */
async function peerChange(
  store: SharedStore,
  monitors: readonly Helper[],
  networkId: string,
): Promise<readonly Measured[]> {
  const number = nextPeer++
  const address = `10.7.255.${number % 250}`
  const macAddress = `02:42:ff:ff:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`
  const key = keys.member(networkId, 'ghost', randomBytes(32).toString('hex'))
  const value = JSON.stringify({
    macAddress,
    addresses: [address],
    tunnelAddress: '192.0.2.99',
    container: 'ghost',
  })
  const start = performance.now()
  const arrivals = monitors.map((monitor) => monitor.lineWith(macAddress))
  await store.commit([], [{ put: key, value }])
  await Promise.all(arrivals)
  const took = performance.now() - start
  const gone = monitors.map((monitor) => monitor.lineWith(`${address} dev`))
  await store.commit([], [{ delete: key }])
  await Promise.all(gone)
  return [['peer-change', took]]
}

/** From the answer of a plug on the first host until a container on the second one has had an answer from it. */
async function reachPublished(machines: UnderlayHosts, undo: Rollback): Promise<Side['round']> {
  const [one, two] = machines.hosts
  if (one === undefined || two === undefined) throw new Error('the hosts are not there')
  const reacher = Helper.start(
    (await two.client.getContainer('c2')).sandbox?.path ?? '',
    'reacher',
    'ask',
    `${port}`,
  )
  undo.defer('end the reacher', () => reacher[Symbol.asyncDispose]())
  await reacher.lineWith('ready')
  await one.client.putContainerConfig('fresh', { attach_to: [] })
  const { sandbox } = await one.client.up('fresh')
  const echo = Helper.start(sandbox?.path ?? '', 'reacher', 'echo', `${port}`)
  undo.defer('end the echo', () => echo[Symbol.asyncDispose]())
  await echo.lineWith('ready')
  return async () => {
    const { id, published, interfaces } = await one.client.plug('fresh', { network })
    const start = performance.now()
    reacher.say(interfaces[0]?.addresses[0]?.split('/')[0] ?? '')
    await reacher.lineWith('reached')
    const took = performance.now() - start
    await one.client.unplug({ handle: 'fresh', endpoint: id })
    return published ? [['published-reach', took]] : []
  }
}

async function measureStreams(run: Run, machines: UnderlayHosts): Promise<void> {
  const [one, two] = machines.hosts
  if (one === undefined || two === undefined) throw new Error('the hosts are not there')
  await using undo = new Rollback()
  const hosts = [one, two].map((host) => machines.namespaceOf(host))
  const byHand: string[] = []
  for (const [n, host] of [one, two].entries()) {
    machines.on(host, tunnelByHand(n + 1))
    undo.defer('delete the tunnel', async () => void machines.on(host, 'ip link delete hand0'))
    const container = temporaryNamespace()
    undo.defer('delete the container', async () => container[Symbol.dispose]())
    machines.on(host, networkByHand(n + 1, container.path))
    undo.defer(
      'delete the network',
      async () => void machines.on(host, 'ip link delete hand1; ip link delete handbr'),
    )
    byHand.push(container.path)
  }
  const inContainers = await Promise.all(
    [one, two].map(async (host, n) => (await host.client.getContainer(`c${n + 1}`)).sandbox?.path ?? ''),
  )
  const overlayAddress = addressIn(await two.client.getContainer('c2'))
  const sides: Side[] = []
  const ways = [
    { row: 'underlay-stream', from: hosts[0], to: hosts[1], address: '192.0.2.2' },
    { row: 'tunnel-stream', from: hosts[0], to: hosts[1], address: '10.99.0.2' },
    { row: 'handmade-stream', from: byHand[0], to: byHand[1], address: '10.98.0.2' },
    { row: 'overlay-stream', from: inContainers[0], to: inContainers[1], address: overlayAddress },
  ]
  const listening = new Set<string>()
  for (const { row, from = '', to = '', address } of ways) {
    if (!listening.has(to)) {
      const listener = Helper.start(to, 'stream', 'listen', `${port}`)
      undo.defer('end a listener', () => listener[Symbol.asyncDispose]())
      await listener.lineWith('ready')
      listening.add(to)
    }
    sides.push({ warmUps: 1, round: () => stream(row, from, address) })
  }
  const { signal, progress } = run
  await interleave(sides, run.samples, {
    rounds: streamRounds,
    signal,
    progress,
    title: 'overlay: a TCP stream',
  })
}

/** Host to host, with a permanent entry for the other one, and the MTU that conet would choose. */
function tunnelByHand(number: number): string {
  const other = 3 - number
  return `ip link add hand0 mtu 1450 type vxlan id 77 dstport 4790 local 192.0.2.${number} nolearning
          ip link set hand0 address 02:99:00:00:00:0${number} up; ip address add 10.99.0.${number}/24 dev hand0
          bridge fdb replace 02:99:00:00:00:0${other} dev hand0 dst 192.0.2.${other} self
          ip neigh replace 10.99.0.${other} lladdr 02:99:00:00:00:0${other} dev hand0 nud permanent`
}

/**
 * What conet makes, without policies, gateway and all that it looks after: a tunnel and a container's veth in a bridge,
 * and permanent entries for the one container elsewhere.
 */
function networkByHand(number: number, container: string): string {
  const other = 3 - number
  return `ip link add handbr mtu 1450 type bridge; ip link set handbr up
          ip link add hand1 mtu 1450 type vxlan id 78 dstport 4791 local 192.0.2.${number} nolearning
          ip link set hand1 master handbr up
          ip link add handp mtu 1450 type veth peer name eth0 mtu 1450 address 02:98:00:00:00:0${number} netns ${container}
          ip link set handp master handbr up
          bridge fdb replace 02:98:00:00:00:0${other} dev hand1 dst 192.0.2.${other} self
          bridge fdb replace 02:98:00:00:00:0${other} dev hand1 master static
          nsenter --net=${container} sh -ec '
            ip address add 10.98.0.${number}/24 dev eth0; ip link set eth0 up
            ip neigh replace 10.98.0.${other} lladdr 02:98:00:00:00:0${other} dev eth0 nud permanent'`
}

async function stream(row: string, from: string, address: string): Promise<readonly Measured[]> {
  await using sender = Helper.start(from, 'stream', 'send', address, `${port}`, `${streamSeconds}`)
  const bytesPerSecond = Number(await sender.nextLine())
  return [[row, (bytesPerSecond * 8) / 1e9]]
}

function addressIn({ endpoints }: Awaited<ReturnType<UnderlayHost['client']['getContainer']>>): string {
  return endpoints[0]?.interfaces[0]?.addresses[0]?.split('/')[0] ?? ''
}

async function removeAll(machines: UnderlayHosts): Promise<void> {
  for (const { client } of machines.hosts) {
    const { containers } = await client.listContainers()
    for (const { handle } of containers) await client.deleteContainer(handle)
  }
  await eventually(() => machines.hosts[0]?.client.deleteNetwork(network), { timeoutMs: 10_000 })
}
