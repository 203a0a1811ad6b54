// What is told where a write of a node was refused: who, and what to do.
import { keys } from '@conet/host/cluster/keys'
import { leaveNetwork } from '@conet/host/cluster/leave-network'
import { register } from '@conet/host/cluster/membership'
import { removeAgain } from '@conet/host/cluster/node-removal'
import type { Condition } from '@conet/host/cluster/shared-store'
import { expect, it } from 'vitest'
import { MemoryStore } from '../../../support/memory-store.ts'

const node = { name: 'ann', identity: 'machine', underlayAddress: '192.0.2.1', version: '0', since: '' }
const help = expect.stringMatching(/./)
const condition = { present: keys.node('ann') }

/** A store in which somebody changes something each time before this node does. */
function overtaken(change: (store: MemoryStore) => Promise<unknown>): MemoryStore {
  const store = new MemoryStore()
  const commit = store.commit.bind(store)
  let isOther = false
  store.commit = async (conditions: readonly Condition[], changes) => {
    if (isOther) return commit(conditions, changes)
    isOther = true
    await change(store)
    isOther = false
    return commit(conditions, changes)
  }
  return store
}

it('a node that is removed while it joins says so, and what becomes of it', async () => {
  const store = overtaken((store) => store.commit([], [{ put: keys.removed('machine'), value: 'now' }]))
  await expect(register(store, node)).rejects.toMatchObject({
    kind: 'clusterUnavailable',
    details: { node: 'ann', identity: 'machine' },
    help,
  })
})

it('a node whose record others change all the time is named where it cannot be removed again', async () => {
  let times = 0
  const store = overtaken((store) => store.commit([], [{ put: keys.node('bob'), value: `${times++}` }]))
  const removal = { identity: 'other', mark: { name: 'bob', removedAt: '' } }
  await expect(removeAgain(store, removal, { condition: { absent: '/never' } })).rejects.toMatchObject({
    kind: 'clusterUnavailable',
    details: { node: 'bob', identity: 'other' },
    help,
  })
})

it('a node that is not registered any more says of which network it cannot give its addresses back', async () => {
  const refused: string[] = []
  const leaving = leaveNetwork(
    {
      store: new MemoryStore(),
      node: 'ann',
      network: { id: 'b1', name: 'blue' },
      transactions: { giveBack: async () => 1 },
      refused: () => refused.push('refused'),
    },
    [],
    { condition },
  )
  await expect(leaving).rejects.toMatchObject({
    kind: 'clusterUnavailable',
    operationState: 'not-started',
    details: { node: 'ann', networkId: 'b1' },
    help,
  })
  expect(refused).toEqual(['refused'])
})
