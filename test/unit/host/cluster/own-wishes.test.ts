import { BlockTransactions } from '@conet/host/cluster/block-transactions'
import { keys } from '@conet/host/cluster/keys'
import { OwnWishes } from '@conet/host/cluster/own-wishes'
import { ClaimsPutBack } from '@conet/host/cluster/put-claims-back'
import { ConetError } from '@conet/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { MemoryStore } from '../../../support/memory-store.ts'

const network = { id: 'blue', name: 'blue' }
const subnet = '10.1.0.0/24'
const condition = { present: keys.node('ann') }

let store: MemoryStore
let end: AbortController
/** What the store holds of the node's wishes. */
const wishes = () => store.keys(keys.wishesOf('blue', 'ann')).map((key) => key.split('/ann/')[1] ?? '')

beforeEach(async () => {
  end = new AbortController()
  store = new MemoryStore()
  const there = [keys.network('blue'), keys.node('ann')]
  await store.commit(
    [],
    there.map((key) => ({ put: key, value: '' })),
  )
})
afterEach(() => end.abort())

function opened(): OwnWishes {
  const transactions = new BlockTransactions({ store, node: 'ann', network, refused: () => undefined })
  return new OwnWishes({
    transactions,
    inStore: wishes,
    registered: async () => condition,
    signal: end.signal,
  })
}

describe('a block that a node has asked others for', () => {
  it('is not asked for any more when the node was started again, but for what it needs then', async () => {
    const before = opened()
    for (const block of ['10.1.0.16', '10.1.0.32']) await before.ask({ subnet, block }, { condition })
    await before.ask({ subnet }, { condition })
    const again = opened()
    await again.ask({ subnet, block: '10.1.0.32' }, { condition })
    again.blocksChanged()
    await eventually(() => expect(wishes()).toEqual(['10.1.0.32']))
  })

  it('is not asked for any more when the store did not answer to that, as soon as it does', async () => {
    const own = opened()
    await own.ask({ subnet }, { condition })
    const { commit } = store
    store.commit = () => Promise.reject(new ConetError('clusterUnavailable', 'it is away'))
    await own.unask(subnet)
    expect(wishes()).toEqual([subnet])
    store.commit = commit
    await eventually(() => expect(wishes()).toEqual([]))
  })

  it('is asked for still by the machine that has got the name of one which was removed', async () => {
    const own = opened()
    await own.ask({ subnet }, { condition })
    await store.commit([], [{ delete: keys.node('ann') }])
    await own.unask(subnet)
    expect(wishes()).toEqual([subnet])
  })

  it('is not asked for any more when the endpoints are gone that had addresses in it', async () => {
    const blocks = {
      restore: () => Promise.reject(new ConetError('addressInUse', 'bob has it')),
    }
    const own = { has: () => false, of: () => [], remove: () => undefined }
    const macs = { claim: async () => undefined }
    const keep = () => undefined
    const putBack = new ClaimsPutBack({ networkId: 'blue', blocks, wishes: opened(), macs, own, keep })
    const block = { subnet, block: '10.1.0.16' }
    await putBack.run([], { blocks: [block], macAddresses: [] }, { condition })
    expect(wishes()).toEqual(['10.1.0.16'])
    expect(await putBack.run([], { blocks: [], macAddresses: [] }, { condition })).toEqual([])
    expect(wishes()).toEqual([])
  })
})
