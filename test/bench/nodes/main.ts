// 200 nodes in one process against a real etcd: what a plug costs the store, what a node holds, how long all take to catch
// up. Prints what it measured; docs/decisions/0015-five-thousand-hosts.md goes on from there.
//   npm run bench:nodes [-- NODES [ENDPOINTS OF EACH]]
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { SharedNetwork } from '@conet/host/cluster/records'
import { parseSubnet } from '@conet/host/ipam/index'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { summarise } from '../samples.ts'
import { ManyNode } from './node.ts'

const [nodes = 200, endpointsOfEach = 50] = process.argv.slice(2).map(Number)
const networksOfEach = 2
/** So many nodes are in one network, as long as there are so many. */
const nodesOfNetwork = 20
const singlePlugs = 100
const patience = { timeoutMs: 300_000, everyMs: 20 }

const say = (what: string, value: string) => process.stdout.write(`${what.padEnd(64)} ${value}\n`)
const ms = (value: number | undefined) => `${(value ?? Number.NaN).toFixed(1)} ms`
const newId = () => randomBytes(32).toString('hex')

type Load = { writes: number; sentBytes: number; storeBytes: number }

async function loadOf({ endpoint }: EtcdProcess): Promise<Load> {
  const text = await (await fetch(`http://${endpoint}/metrics`)).text()
  const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return {
    writes: metric('etcd_debugging_mvcc_put_total') + metric('etcd_debugging_mvcc_delete_total'),
    sentBytes: metric('etcd_network_client_grpc_sent_bytes_total'),
    storeBytes: metric('etcd_mvcc_db_total_size_in_use_in_bytes'),
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function networkNumber(number: number): SharedNetwork {
  const subnets = [parseSubnet({ subnet: `10.${number}.0.0/16` })]
  const common = { type: 'vxlan', labels: {}, internal: false, config: {}, createdAt: '', createdBy: 'node0' }
  const name = `net${number}`
  return { ...common, id: newId(), name, subnets, blockBits: 6, segmentId: number + 1, request: name }
}

/** Who has to hear of an endpoint, and when the last one has. */
class Arrivals {
  readonly #missing = new Map<string, { left: number; done: () => void }>()

  arrived = (_node: string, endpointId: string): void => {
    const waiting = this.#missing.get(endpointId)
    if (waiting === undefined) return
    waiting.left -= 1
    if (waiting.left === 0) waiting.done()
  }

  everywhere(endpointId: string, others: number): Promise<void> {
    return new Promise((done) => this.#missing.set(endpointId, { left: others, done }))
  }
}

async function main(): Promise<void> {
  await using etcd = await EtcdProcess.start({ flags: ['--quota-backend-bytes', '4294967296'] })
  const arrivals = new Arrivals()
  const all = Array.from({ length: nodes }, (_, n) => new ManyNode(n, etcd.endpoint, arrivals.arrived))
  try {
    say('nodes, networks of each, nodes of a network', `${nodes}, ${networksOfEach}, ${nodesOfNetwork}`)
    const joined = await timed(async () => {
      for (const node of all) node.start()
      await eventually(
        () => all.every(({ cluster }) => cluster.isCurrent) || fail('not all have joined'),
        patience,
      )
    })
    say('all have joined after', ms(joined))
    const networks = await makeNetworks(all)
    const empty = heapBytes()
    await publishAll(all, etcd)
    const entries = all.reduce(
      (sum, { held }) => sum + [...held.values()].reduce((n, { size }) => n + size, 0),
      0,
    )
    const own = nodes * endpointsOfEach
    say(
      'bytes of heap of an endpoint that a node knows',
      ((heapBytes() - empty) / (entries + 2 * own)).toFixed(0),
    )
    await plugOneByOne(all, networks, { etcd, arrivals })
    await rest(etcd)
    const back = await timed(async () => {
      await etcd.stop('SIGKILL')
      await etcd.start()
      await eventually(
        () => all.every(({ cluster }) => cluster.isCurrent) || fail('not all are back'),
        patience,
      )
    })
    say('etcd killed and started: all nodes have listed again after', ms(back))
  } finally {
    await Promise.all(all.map(({ cluster }) => cluster.stop()))
  }
}

function fail(why: string): never {
  throw new Error(why)
}

async function makeNetworks(all: readonly ManyNode[]): Promise<SharedNetwork[]> {
  const [first] = all
  const count = Math.max(1, Math.ceil((nodes * networksOfEach) / nodesOfNetwork))
  const networks: SharedNetwork[] = []
  for (let number = 0; number < count; number++) {
    const network = networkNumber(number)
    networks.push(network)
    await first?.cluster.createNetwork(async () => ({ network }))
  }
  const claims = all.map(async (node, n) => {
    for (let k = 0; k < networksOfEach; k++) {
      const network = networks[(n * networksOfEach + k) % networks.length]
      if (network !== undefined) await node.use(network)
    }
  })
  say('each node has a block of each of its networks after', ms(await timed(() => Promise.all(claims))))
  return networks
}

async function publishAll(all: readonly ManyNode[], etcd: EtcdProcess): Promise<void> {
  const before = await loadOf(etcd)
  let number = 1 << 24
  const expected = new Map<string, number>()
  const took = await timed(async () => {
    for (const node of all) {
      for (let n = 0; n < endpointsOfEach; n++) {
        const network = node.networks[n % networksOfEach]
        if (network === undefined) continue
        node.publish(network, newId(), number++)
        expected.set(network.id, (expected.get(network.id) ?? 0) + 1)
      }
    }
    await eventually(() => {
      for (const { networks, held } of all)
        for (const { id } of networks)
          if ((held.get(id)?.size ?? 0) < (expected.get(id) ?? 0) - endpointsOfEach) fail('not all are known')
    }, patience)
  })
  const after = await loadOf(etcd)
  const count = nodes * endpointsOfEach
  say(`${count} endpoints at once are known where they must be after`, ms(took))
  say('  writes of etcd for each', ((after.writes - before.writes) / count).toFixed(2))
  say('  bytes that etcd sends for each', ((after.sentBytes - before.sentBytes) / count).toFixed(0))
  say('  bytes of the store for each', ((after.storeBytes - before.storeBytes) / count).toFixed(0))
}

async function plugOneByOne(
  all: readonly ManyNode[],
  networks: readonly SharedNetwork[],
  { etcd, arrivals }: { etcd: EtcdProcess; arrivals: Arrivals },
): Promise<void> {
  const usersOf = new Map(networks.map(({ id }) => [id, all.filter((node) => node.held.has(id)).length]))
  const before = await loadOf(etcd)
  const times: number[] = []
  for (let plug = 0; plug < singlePlugs; plug++) {
    const node = all[(plug * 37) % all.length]
    const network = node?.networks[plug % networksOfEach]
    if (node === undefined || network === undefined) continue
    const endpointId = newId()
    const known = arrivals.everywhere(endpointId, (usersOf.get(network.id) ?? 1) - 1)
    times.push(
      await timed(() => {
        node.publish(network, endpointId, (2 << 24) + plug)
        return known
      }),
    )
  }
  const after = await loadOf(etcd)
  const { p50, p99 } = summarise(times) ?? {}
  say('one plug is known on all nodes of its network after: p50, p99', `${ms(p50)}, ${ms(p99)}`)
  say('  writes of etcd', ((after.writes - before.writes) / times.length).toFixed(2))
  say(
    '  bytes that etcd sends, signs of life included',
    ((after.sentBytes - before.sentBytes) / times.length).toFixed(0),
  )
}

/** What it costs that nothing happens. */
async function rest(etcd: EtcdProcess): Promise<void> {
  const seconds = 10
  const before = await loadOf(etcd)
  await sleep(seconds * 1_000)
  const after = await loadOf(etcd)
  say(
    'bytes that etcd sends to a node in a second at rest',
    ((after.sentBytes - before.sentBytes) / seconds / nodes).toFixed(1),
  )
}

await main()
