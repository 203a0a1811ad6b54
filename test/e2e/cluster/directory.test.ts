import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { keys } from '@conet/host/cluster/keys'
import { MemberPublisher } from '@conet/host/cluster/member-publisher'
import { type Registration, register } from '@conet/host/cluster/membership'
import { NetworkPeers } from '@conet/host/cluster/network-peers'
import { NodeOperations } from '@conet/host/cluster/node-operations'
import type { SharedMember } from '@conet/host/cluster/records'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

const networkId = 'b'.repeat(64)
const id = (number: number) => String(number).padStart(64, 'e')
const member = (number: number, tunnelAddress: string): SharedMember => ({
  macAddress: `02:42:0a:01:00:${number.toString(16).padStart(2, '0')}`,
  addresses: [`10.1.0.${number}`],
  tunnelAddress,
  container: `c${number}`,
})

/** Whose block an address is in. */
const owners = new Map<string, string>()

/** One node's part: what it says, and what its driver would hold. */
class Node implements Disposable {
  readonly store: EtcdStore
  readonly publisher: MemberPublisher
  readonly peers: NetworkPeers
  readonly #end = new AbortController()
  readonly held = new Map<string, unknown>()
  registration: Registration | undefined
  isRefused = false
  /** What others claim too, when it last heard of them. */
  disputed: string[] = []
  isDriverAway = false

  readonly name: string

  constructor(name: string, endpoint: string) {
    this.name = name
    const store = new EtcdStore({ endpoints: [endpoint], timeoutMs: 1_000 })
    this.store = store
    this.publisher = new MemberPublisher({
      store,
      node: name,
      condition: () => this.registration?.condition,
      refused: () => (this.isRefused = true),
    })
    this.peers = new NetworkPeers({
      ...{ store, networkId, node: name, changed: () => this.tell() },
      ownerOf: (address) => owners.get(address),
      noted: () => {
        this.disputed = [...this.peers.disputes()].map(({ claim }) => claim)
      },
    })
  }

  async join(): Promise<void> {
    await this.register()
    void this.publisher.follow(this.#end.signal)
    void this.peers.follow(this.#end.signal)
    await this.peers.current(AbortSignal.timeout(5_000))
    this.tell()
  }

  async register(obeyed?: string): Promise<Registration> {
    const node = {
      name: this.name,
      identity: `machine of ${this.name}`,
      underlayAddress: '192.0.2.1',
      version: '0',
      since: '',
    }
    this.registration = await register(this.store, node, { obeyed })
    return this.registration
  }

  /** What the host does with what a driver is to be told. */
  tell(): void {
    if (this.isDriverAway) return
    const next = this.peers.next()
    if (next === undefined) return
    if (next.base === null) this.held.clear()
    for (const endpointId of next.remove) this.held.delete(endpointId)
    for (const { endpointId, ...rest } of next.set) this.held.set(endpointId, rest)
    this.peers.told(next)
  }

  [Symbol.dispose](): void {
    this.#end.abort()
    this.store.close()
  }
}

let etcd: EtcdProcess
let one: Node
let two: Node

beforeAll(async () => {
  etcd = await EtcdProcess.start()
})
afterAll(() => etcd?.[Symbol.asyncDispose]())
beforeEach(async () => {
  one = new Node('one', etcd.endpoint)
  two = new Node('two', etcd.endpoint)
  await one.join()
  await two.join()
})
afterEach(async () => {
  owners.clear()
  await one.store.commit([], [{ clear: '/' }])
  one[Symbol.dispose]()
  two[Symbol.dispose]()
})

const inStore = async () =>
  (await two.store.list(keys.members(networkId))).entries.map(({ key }) => key.slice(-1))

describe('the directory of endpoints', () => {
  it('tells the other nodes of each endpoint, and not the own ones', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await two.publisher.publish(networkId, id(2), member(2, '192.0.2.2'))
    await eventually(() => {
      expect([...one.held]).toEqual([[id(2), member(2, '192.0.2.2')]])
      expect([...two.held]).toEqual([[id(1), member(1, '192.0.2.1')]])
    })
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.9'))
    await one.publisher.publish(networkId, id(3), member(3, '192.0.2.1'))
    await one.publisher.withdraw(networkId, id(1))
    await eventually(() => expect([...two.held.keys()]).toEqual([id(3)]))
  })

  it('leaves out those to which no tunnel leads: of another family, or at the node’s own address', async () => {
    await two.publisher.publish(networkId, id(1), member(1, '192.0.2.2'))
    await two.publisher.publish(networkId, id(2), member(2, 'fd00::2'))
    await two.publisher.publish(networkId, id(3), member(3, 'fd00::1'))
    const end = new AbortController()
    const { store } = one
    const peers = new NetworkPeers({
      ...{ store, networkId, node: 'one', underlayAddress: 'fd00::1', changed: () => undefined },
    })
    const following = peers.follow(end.signal)
    await peers.current(AbortSignal.timeout(5_000))
    expect(peers.next()?.set.map(({ endpointId }) => endpointId)).toEqual([id(2)])
    end.abort()
    await following
  })

  it('tells one of two that claim the same: the one whose node has the block', async () => {
    using three = new Node('three', etcd.endpoint)
    await three.join()
    const [address = ''] = member(1, '').addresses
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await two.publisher.publish(networkId, id(2), { ...member(1, '192.0.2.2'), container: 'other' })
    await eventually(() => expect(one.disputed).toEqual([member(1, '').macAddress, address]))
    expect(three.disputed).toEqual([])
    await two.publisher.publish(networkId, id(3), member(3, '192.0.2.2'))
    await eventually(() => expect([...three.held.keys()].sort()).toEqual([id(1), id(3)]))
    await eventually(() => expect([...one.held.keys()]).toContain(id(3)))
    await eventually(() => expect([...two.held.keys()]).toEqual([id(1)]))
    owners.set(address, 'two')
    for (const { peers } of [one, two, three]) peers.blocksChanged()
    expect([...three.held.keys()].sort()).toEqual([id(2), id(3)])
    // Who has the block is not told of the other, and the other is told of it.
    expect([...two.held.keys()]).toEqual([])
    expect([...one.held.keys()].sort()).toEqual([id(2), id(3)])
    three.peers.forgotten()
    three.tell()
    expect([...three.held.keys()].sort()).toEqual([id(2), id(3)])
    await two.publisher.withdraw(networkId, id(2))
    await eventually(() => expect([...three.held.keys()].sort()).toEqual([id(1), id(3)]))
    await eventually(() => expect([...two.held.keys()]).toEqual([id(1)]))
  })

  it('goes on from what a driver holds, and tells the whole when nobody knows what that is', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await eventually(() => expect(two.held.size).toBe(1))
    expect(two.peers.next()).toBeUndefined()
    two.peers.forgotten()
    two.tell()
    expect([...two.held.keys()]).toEqual([id(1)])
    expect(two.peers.next()).toBeUndefined()
  })

  it('never has a version twice, also not when the store is as it was', async () => {
    const versions = new Set<string>()
    two.isDriverAway = true
    for (const number of [1, 2, 1, 2]) {
      await one.publisher.publish(networkId, id(1), member(number, '192.0.2.1'))
      await eventually(() =>
        expect(two.peers.all.get(`one/${id(1)}`)).toMatchObject({ container: `c${number}` }),
      )
      two.peers.forgotten()
      versions.add(two.peers.next()?.version ?? '')
    }
    expect(versions.size).toBe(4)
  })

  it('keeps no changes for a driver that is away: it is told the whole when it is back', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await eventually(() => expect(two.held.size).toBe(1))
    two.isDriverAway = true
    two.peers.forgotten()
    await one.publisher.withdraw(networkId, id(1))
    await one.publisher.publish(networkId, id(2), member(2, '192.0.2.1'))
    await eventually(() => expect([...two.peers.all.keys()]).toEqual([`one/${id(2)}`]))
    two.isDriverAway = false
    two.tell()
    expect([...two.held.keys()]).toEqual([id(2)])
    expect(two.peers.next()).toBeUndefined()
  })

  it('catches up after etcd was away, with all that both sides did meanwhile', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await two.publisher.publish(networkId, id(2), member(2, '192.0.2.2'))
    await etcd.stop('SIGKILL')
    const later = [
      one.publisher.withdraw(networkId, id(1)),
      one.publisher.publish(networkId, id(3), member(3, '192.0.2.1')),
      two.publisher.publish(networkId, id(4), member(4, '192.0.2.2')),
    ]
    expect(one.publisher.isCurrent).toBe(false)
    await etcd.start()
    await Promise.all(later)
    expect(await inStore()).toEqual(['3', '2', '4'])
    await eventually(
      () => {
        expect([...one.held.keys()].sort()).toEqual([id(2), id(4)])
        expect([...two.held.keys()]).toEqual([id(3)])
      },
      { timeoutMs: 15_000 },
    )
  })

  it('finds by itself what changed while the log of changes was compacted', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await eventually(() => expect(two.held.size).toBe(1))
    two[Symbol.dispose]()
    const last = await one.store.commit([], [{ delete: keys.member(networkId, 'one', id(1)) }])
    await etcd.control('compact', String(last.revision))
    two = new Node('two', etcd.endpoint)
    await two.join()
    expect(two.held.size).toBe(0)
  })

  it('takes what a node left behind out of the store when it says anew what it has', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await one.publisher.publish(networkId, id(2), member(2, '192.0.2.1'))
    one[Symbol.dispose]()
    one = new Node('one', etcd.endpoint)
    const again = one.publisher.publish(networkId, id(2), member(2, '192.0.2.1'))
    await one.join()
    await again
    await eventually(async () => expect(await inStore()).toEqual(['2']))
  })

  it('takes what a node has in more networks than fit into one transaction', async () => {
    const networkIds = Array.from({ length: 20 }, (_, index) => String(index).padStart(64, 'c'))
    const numbers = [1, 2, 3, 4, 5, 6]
    const written = networkIds.flatMap((of) =>
      numbers.map((number) => one.publisher.publish(of, id(number), member(number, '192.0.2.1'))),
    )
    await Promise.all(written)
    for (const of of networkIds)
      expect((await two.store.list(keys.members(of))).entries).toHaveLength(numbers.length)
  })

  it('takes nothing from a node that was removed, until it has found out', async () => {
    await one.publisher.publish(networkId, id(1), member(1, '192.0.2.1'))
    await two.store.commit(
      [],
      [
        { delete: keys.node('one') },
        { put: keys.removed('machine of one'), value: 'monday' },
        { clear: keys.membersOf(networkId, 'one') },
      ],
    )
    const later = one.publisher.publish(networkId, id(3), member(3, '192.0.2.1'))
    await eventually(() => expect(one.isRefused).toBe(true))
    expect(await inStore()).toEqual([])
    await expect(one.register()).rejects.toMatchObject({ kind: 'clusterUnavailable' })
    await one.register('monday')
    await later
    await one.register()
  })

  it('lets a node be removed whose record the store has lost, and that nobody has put back yet', async () => {
    const lost = {
      name: 'cy',
      identity: 'machine of cy',
      underlayAddress: '192.0.2.3',
      version: '0',
      since: '',
    }
    const nodes = new NodeOperations(one.store, () => [lost])
    const states = async () => (await nodes.list()).map(({ node, state }) => `${node.name} ${state}`)
    expect(await states()).toContain('cy away')
    await nodes.removeFenced('cy')
    expect((await one.store.get(keys.removed(lost.identity)))?.value).toContain('"name":"cy"')
    expect(await states()).not.toContain('cy away')
    await expect(nodes.removeFenced('cy')).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('lets two machines not have one name', async () => {
    const node = {
      name: 'one',
      identity: 'another machine',
      underlayAddress: '192.0.2.7',
      version: '0',
      since: '',
    }
    await expect(register(two.store, node)).rejects.toMatchObject({ kind: 'conflict' })
  })
})
