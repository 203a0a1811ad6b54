// What becomes of blocks of addresses when etcd loses what it held and not all hosts are there to put theirs back.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClusterNode, fourBlocks } from '../../support/cluster-node.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

let etcd: EtcdProcess
let nodes: ClusterNode[]
const patience = { timeoutMs: 20_000 }

/** Four blocks of four. */
const subnet = '10.1.0.0/28'
const blue = fourBlocks(subnet)

beforeEach(async () => {
  etcd = await EtcdProcess.start()
  nodes = []
})
afterEach(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]()
  await etcd[Symbol.asyncDispose]()
})

/** They take part, and know the network. */
async function started(
  names: readonly string[],
  options?: ConstructorParameters<typeof ClusterNode>[2],
): Promise<ClusterNode[]> {
  const made = names.map((name) => new ClusterNode(name, etcd.endpoint, options))
  for (const node of made) await node.start()
  const [first] = made
  if (nodes.length === 0) await first?.cluster.createNetwork(async () => ({ network: blue }))
  for (const node of made) node.knows(blue)
  nodes.push(...made)
  return made
}

/** As many blocks as it can get; the names of all that it has then. */
async function all(node: ClusterNode): Promise<string[]> {
  const takeAll = async () => {
    for (;;) await node.claim()
  }
  await eventually(() => expect(takeAll()).rejects.toMatchObject({ kind: 'addressesExhausted' }), patience)
  return node.own
}

describe('a host that is away while the store is lost', () => {
  it('keeps its blocks, as hosts know them that use the network; it is shown as away, and may be removed', async () => {
    // Long enough for ann to speak for cy, also on a machine that is busy with other things.
    const [ann, bob, cy] = await started(['ann', 'bob', 'cy'], { awaitHostsMs: 16_000 })
    if (!ann || !bob || !cy) throw new Error('they are not there')
    // The new store counts from far below on.
    await etcd.writeOtherThings(500)
    await ann.plug('10.1.0.2')
    await cy.plug('10.1.0.9')
    await eventually(() =>
      expect(ann.cluster.networks.peersOf(blue.id)?.holderOf('02:42:00:00:00:01')).toBeDefined(),
    )
    await cy[Symbol.asyncDispose]()
    await etcd.lose()
    // Who did not use the network knows nothing of its blocks.
    expect(await all(bob)).toHaveLength(2)
    expect(bob.own).not.toContain('10.1.0.8')
    const states = (await ann.cluster.nodes.list()).map(({ node, state }) => `${node.name} ${state}`)
    expect(states).toEqual(['ann alive', 'bob alive', 'cy away'])
    await cy.start()
    expect(cy.own).toEqual(['10.1.0.8'])
    await eventually(() => expect(cy.cluster.storeReplaced).toMatchObject({ isPutBack: true, conflicts: [] }))
    await cy[Symbol.asyncDispose]()
    await etcd.backUp()
    await eventually(() => ann.cluster.nodes.removeFenced('cy'), patience)
    await eventually(() => bob.plug('10.1.0.9'), patience)
    // The word of the operator outlives a store that does not know of it any more.
    await etcd.restore()
    const known = async () => (await ann.cluster.nodes.list()).map(({ node }) => node.name)
    await eventually(async () => expect(await known()).toEqual(['ann', 'bob']), patience)
    await eventually(() => expect(bob.cluster.storeReplaced).toMatchObject({ conflicts: [] }), patience)
    expect(bob.own).toContain('10.1.0.8')
    await etcd.lose()
    const removed = () => etcd.control('get', '--prefix', '/conet/v1/removed/')
    await eventually(async () => expect(await removed()).toContain('cy'), patience)
    await cy.start()
    expect([cy.own, [...cy.addresses]]).toEqual([[], []])
  })
})

describe('a host that is started again after all have put back what they have', () => {
  it('takes a block at once, though the store waits longer for who may not be known', async () => {
    const [ann, bob] = await started(['ann', 'bob'], { awaitHostsMs: 600_000 })
    if (!ann || !bob) throw new Error('they are not there')
    await etcd.lose()
    await eventually(() => Promise.all([ann.claim(), bob.claim()]), patience)
    await bob[Symbol.asyncDispose]()
    await bob.start()
    expect(await etcd.control('get', '/conet/v1/awaiting')).not.toBe('')
    await bob.claim()
    expect(bob.own).toHaveLength(2)
  })
})

describe('a host that comes back when nobody waits for it any more', () => {
  it('hands nothing more out of a block that another uses; what two have the one lets go whose host has not the block', async () => {
    const [ann, cy] = await started(['ann', 'cy'], { awaitHostsMs: 2_000 })
    if (!ann || !cy) throw new Error('they are not there')
    await cy.plug('10.1.0.9')
    await cy.plug('10.1.0.13')
    // Whoever lived would know of it.
    for (const node of [cy, ann]) await node[Symbol.asyncDispose]()
    await etcd.lose()
    await ann.start()
    await eventually(() => ann.plug('10.1.0.10'), patience)
    await ann.plug('10.1.0.13')
    await cy.start()
    // Of one address that two have, the one lets go whose host does not have the block.
    await eventually(() => expect([...cy.addresses]).toEqual(['10.1.0.9']), patience)
    expect([...ann.addresses]).toEqual(['10.1.0.10', '10.1.0.13'])
    await eventually(
      () => expect(ann.cluster.blocks.foreign(blue.id)).toEqual(new Set(['10.1.0.9'])),
      patience,
    )
    const conflicts = [expect.stringContaining('belongs to node ann')]
    await eventually(() => expect(cy.cluster.storeReplaced).toMatchObject({ conflicts }))
    expect(cy.own).toEqual([])
    expect(ann.cluster.contested).toEqual([
      '10.1.0.9 of network blue, in a block of this host’s: container c-10.1.0.9 on node cy has it',
    ])
    await eventually(() =>
      expect(cy.cluster.contested).toEqual([expect.stringMatching(/^block 10\.1\.0\.8 .* node ann’s now/)]),
    )
    // Also after cy was started again; it takes back what an earlier run has asked for in vain.
    await cy[Symbol.asyncDispose]()
    const wishes = `/conet/v1/blocks/${blue.id}/wanted/`
    const left = { wantedBy: 'cy', ofSubnet: subnet, id: 'left' }
    await etcd.control('put', `${wishes}cy/${subnet}`, JSON.stringify(left))
    await cy.start()
    ann.unplug('10.1.0.10')
    await eventually(() => expect([ann.own, cy.own]).toEqual([['10.1.0.12'], ['10.1.0.8']]), patience)
    await eventually(() => expect(ann.cluster.contested).toEqual([]))
    expect(cy.cluster.contested).toEqual([])
    await eventually(async () => expect(await etcd.control('get', '--prefix', wishes)).toBe(''))
    await eventually(
      () => expect([ann, cy].map(({ cluster }) => cluster.storeReplaced)).toEqual([undefined, undefined]),
      patience,
    )
  })
})

describe('a host of whose blocks somebody has changed what etcd says, which has lost nothing', () => {
  it('puts back what is nobody’s, and hands nothing more out of what is another’s, when it is started again', async () => {
    const [ann] = await started(['ann', 'bob'])
    if (!ann) throw new Error('it is not there')
    await ann.plug('10.1.0.2')
    await ann.claim()
    const block = (name: string) => `/conet/v1/blocks/${blue.id}/${name}`
    const spare = ann.own.find((name) => name !== '10.1.0.0') ?? ''
    await ann[Symbol.asyncDispose]()
    await etcd.control('del', block('10.1.0.0'))
    await etcd.control('put', block(spare), JSON.stringify({ node: 'bob', subnet }))
    await ann.start()
    await eventually(() => expect(ann.own).toEqual(['10.1.0.0']), patience)
    await eventually(async () =>
      expect(await etcd.control('get', block('10.1.0.0'))).toContain('"node":"ann"'),
    )
    expect(await etcd.control('get', block(spare))).toContain('"node":"bob"')
    expect(ann.cluster.storeReplaced).toBeUndefined()
  })
})

describe('a host that is new to the cluster, and the first that sees an empty store', () => {
  it('takes no block of a network that others have put back before all may be back', async () => {
    const [ann, cy] = await started(['ann', 'cy'])
    if (!ann || !cy) throw new Error('they are not there')
    await cy.plug('10.1.0.9')
    for (const node of [cy, ann]) await node[Symbol.asyncDispose]()
    await etcd.lose()
    const [dan] = await started(['dan'])
    if (!dan) throw new Error('it is not there')
    await ann.start()
    const claims = all(dan)
    await cy.start()
    expect(await claims).not.toContain('10.1.0.8')
    expect(cy.own).toEqual(['10.1.0.8'])
  })
})
