import { AddressBlocks } from '@conet/host/cluster/address-blocks'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { NetworkHere } from '@conet/host/cluster/network-here'
import { lettingGo } from '@conet/host/cluster/node-holdings'
import type { SharedNetwork } from '@conet/host/cluster/records'
import { createSharedNetwork, deleteSharedNetwork } from '@conet/host/cluster/shared-networks'
import { parseSubnet } from '@conet/host/ipam/index'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

let etcd: EtcdProcess
let stores: EtcdStore[]
let end: AbortController

beforeAll(async () => {
  etcd = await EtcdProcess.start()
})
afterAll(() => etcd?.[Symbol.asyncDispose]())
beforeEach(() => {
  end = new AbortController()
  stores = [1, 2, 3].map(() => new EtcdStore({ endpoints: [etcd.endpoint] }))
})
afterEach(async () => {
  end.abort()
  await stores[0]?.commit([], [{ clear: '/' }])
  for (const store of stores) store.close()
})

function storeOf(node: number): EtcdStore {
  const store = stores[node]
  if (store === undefined) throw new Error(`there is no node ${node}`)
  return store
}

let nextSegment = 1

function network(name: string, subnet: string, blockBits = 4): SharedNetwork {
  const subnets = [parseSubnet({ subnet })]
  const id = name.padEnd(64, '0')
  const common = { type: 'vxlan', labels: {}, internal: false, config: {}, createdAt: '', createdBy: 'one' }
  return { ...common, id, name, subnets, blockBits, segmentId: nextSegment++, request: `${name} ${subnet}` }
}

/** One of each node on the network, each with a store of its own. */
function nodesOn(made: SharedNetwork): AddressBlocks[] {
  return stores.map((store, index) => {
    const blocks = new AddressBlocks({ store, node: `node${index}`, network: made })
    void blocks.follow(end.signal)
    return blocks
  })
}

async function created(made: SharedNetwork): Promise<SharedNetwork> {
  return (await createSharedNetwork(storeOf(0), () => ({ network: made }))).network
}

describe('networks of a cluster', () => {
  it('get a name once, also when all nodes create it in the same instant', async () => {
    const attempts = stores.map((store, index) =>
      createSharedNetwork(store, (known) => {
        const [existing] = known.filter(({ name }) => name === 'blue')
        if (existing) return { network: existing, existing: true }
        return { network: { ...network('blue', '10.1.0.0/24'), id: `${index}`.repeat(64) } }
      }),
    )
    const results = await Promise.all(attempts)
    expect(new Set(results.map(({ network: { id } }) => id)).size).toBe(1)
    expect(results.filter(({ existing }) => !existing)).toHaveLength(1)
  })

  it('see each other when they choose their subnets, however many come at once', async () => {
    const attempts = Array.from({ length: 12 }, (_, index) =>
      createSharedNetwork(storeOf(index % 3), (known) => {
        const taken = new Set(known.flatMap(({ subnets }) => subnets.map(({ subnet }) => subnet)))
        const third = Array.from({ length: 12 }, (_, n) => n).find((n) => !taken.has(`10.1.${n}.0/24`))
        return { network: network(`n${index}x`, `10.1.${third}.0/24`) }
      }),
    )
    const results = await Promise.all(attempts)
    const subnets = results.flatMap(({ network: made }) => made.subnets.map(({ subnet }) => subnet))
    expect(new Set(subnets).size).toBe(12)
  })

  it('are not created by a node that is not registered any more, which learns it at once', async () => {
    let refusals = 0
    let proposals = 0
    const registered = {
      condition: async () => ({ present: '/conet/no such node' }),
      refused: () => {
        refusals++
      },
    }
    const propose = () => {
      proposals++
      return { network: network('blue', '10.1.0.0/24') }
    }
    await expect(createSharedNetwork(storeOf(0), propose, { registered })).rejects.toMatchObject({
      kind: 'clusterUnavailable',
    })
    expect({ refusals, proposals }).toEqual({ refusals: 1, proposals: 1 })
  })

  it('are not deleted while a node holds them, which is named', async () => {
    const made = await created(network('blue', '10.1.0.0/24'))
    const [one, two] = nodesOn(made)
    await one?.claim('10.1.0.0/24')
    await two?.claim('10.1.0.0/24')
    const store = storeOf(0)
    await expect(deleteSharedNetwork(store, made)).rejects.toMatchObject({
      kind: 'inUse',
      details: { nodes: ['node0', 'node1'] },
    })
    await store.commit([], [...lettingGo(made.id, 'node0', []), ...lettingGo(made.id, 'node1', [])])
    await deleteSharedNetwork(store, made)
    await deleteSharedNetwork(store, made)
    expect((await store.list('/conet/')).entries).toEqual([])
    await expect(one?.claim('10.1.0.0/24')).rejects.toMatchObject({ kind: 'notFound' })
  })
})

describe('blocks of addresses', () => {
  it('belong to one node each, however many claim at once, until there is none', async () => {
    const made = await created(network('blue', '10.1.0.0/23'))
    const nodes = nodesOn(made)
    const claimed: string[] = []
    const exhausted = nodes.map(async (blocks) => {
      for (;;) claimed.push(await blocks.claim('10.1.0.0/23'))
    })
    for (const result of await Promise.allSettled(exhausted))
      expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'addressesExhausted' } })
    expect(claimed).toHaveLength(32)
    expect(new Set(claimed).size).toBe(32)
    const use = nodes.map((blocks) => blocks.own('10.1.0.0/23').length)
    expect(use.reduce((sum, count) => sum + count)).toBe(32)
    expect(nodes[0]?.use('10.1.0.0/23')).toEqual({ node0: use[0], node1: use[1], node2: use[2] })
  })

  it('of an address that is asked for are taken, or the node that has it is named', async () => {
    const made = await created(network('blue', '10.1.0.0/23'))
    const [one, two] = nodesOn(made)
    expect(await one?.claimFor('10.1.1.77', '10.1.0.0/23')).toBe('10.1.1.64')
    expect(await one?.claimFor('10.1.1.65', '10.1.0.0/23')).toBe('10.1.1.64')
    await expect(two?.claimFor('10.1.1.66', '10.1.0.0/23')).rejects.toMatchObject({
      kind: 'addressInUse',
      details: { node: 'node0' },
    })
    await one?.transactions.giveBack('10.1.1.64', {})
    expect(await two?.claimFor('10.1.1.66', '10.1.0.0/23')).toBe('10.1.1.64')
    await eventually(() => expect(one?.use('10.1.0.0/23')).toEqual({ node1: 1 }))
  })
})

/** A node's own record, on a disk that is full for the first block. */
function recordOnAFullDisk() {
  const blocks: string[] = []
  let isFull = true
  const add = ({ block }: { block: string }) => {
    if (isFull) {
      isFull = false
      throw new Error('the disk is full')
    }
    blocks.push(block)
  }
  return {
    blocks,
    add,
    has: (_: string, block: string) => blocks.includes(block),
    all: () => blocks,
    of: () => [],
    remove() {},
    noteForeign() {},
  }
}

describe('a network that a node uses', () => {
  it('goes on where a block cannot be put on record, and puts it there at the next change', async () => {
    const made = await created(network('blue', '10.1.0.0/24'))
    const claimer = nodesOn(made)[0]
    const own = recordOnAFullDisk()
    const failures: unknown[] = []
    const here = new NetworkHere({
      store: storeOf(0),
      node: 'node0',
      network: made,
      own,
      registered: () => Promise.reject(new Error('nothing is claimed here')),
      refused: () => undefined,
      adoptionFailed: (reason) => failures.push(reason),
      peersChanged: () => undefined,
      blockWanted: () => undefined,
      heldHere: () => undefined,
      lost: () => undefined,
      log: pino({ level: 'silent' }),
      assureWhole: async () => undefined,
      isRemoved: () => false,
      isLoss: async () => false,
      gate: { run: (_what, work) => work([]) },
    })
    const first = await claimer?.claim('10.1.0.0/24')
    await eventually(() => expect(failures).toHaveLength(1))
    const second = await claimer?.claim('10.1.0.0/24')
    await eventually(() => expect(own.blocks.sort()).toEqual([first, second].sort()))
    await here.close()
  })
})
