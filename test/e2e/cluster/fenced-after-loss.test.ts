// A host that was fenced, still runs, and is the first that comes back after etcd has lost the word of it.
import { expect, it } from 'vitest'
import { ClusterNode, fourBlocks } from '../../support/cluster-node.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

const blue = fourBlocks('10.1.0.0/28')
const patience = { timeoutMs: 20_000 }
const address = '10.1.0.9'

it.each(['lose', 'restore'] as const)(
  'lets go of all as soon as others say again that it was removed, and they keep what is theirs (%s)',
  async (mishap) => {
    await using etcd = await EtcdProcess.start()
    const node = (name: string) => new ClusterNode(name, etcd.endpoint, { awaitHostsMs: 2_000 })
    await using ann = node('ann')
    await using bob = node('bob')
    await using cy = node('cy')
    for (const one of [ann, bob, cy]) {
      await one.start()
      if (one === ann) await ann.cluster.createNetwork(async () => ({ network: blue }))
      one.knows(blue)
    }
    await ann.plug('10.1.0.2')
    await cy.plug(address)
    await etcd.backUp()
    await cy[Symbol.asyncDispose]()
    await eventually(() => ann.cluster.nodes.removeFenced('cy'), patience)
    await eventually(() => bob.plug(address), patience)
    await eventually(() => expect(bob.removalsOnRecord).toEqual(['cy']))
    for (const one of [ann, bob]) await one[Symbol.asyncDispose]()
    await etcd[mishap]()
    await cy.start()
    await eventually(() => expect(cy.own).toEqual(['10.1.0.8']), patience)
    await eventually(() => expect(cy.cluster.storeReplaced).toMatchObject({ isPutBack: true }), patience)
    await bob.start()
    await eventually(() => expect([[...cy.addresses], cy.own]).toEqual([[], []]), patience)
    await ann.start()
    await eventually(() => expect(cy.cluster.isCurrent).toBe(true), patience)
    await eventually(() => expect(bob.cluster.storeReplaced).toMatchObject({ conflicts: [] }), patience)
    expect([[...bob.addresses], bob.own]).toEqual([[address], ['10.1.0.8']])
    expect([...ann.addresses]).toEqual(['10.1.0.2'])
    await eventually(async () => expect(await etcd.control('get', '--prefix', '/conet/v1/removed/')).toBe(''))
  },
  60_000,
)
