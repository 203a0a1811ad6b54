import { GateShut } from '@conet/host/cluster/claim-gate'
import { keys } from '@conet/host/cluster/keys'
import { MacClaims } from '@conet/host/cluster/mac-claims'
import { expect, it } from 'vitest'
import { MemoryStore } from '../../../support/memory-store.ts'

const mac = '06:00:00:00:00:0a'
const condition = { present: keys.node('ann') }
const gate = [{ is: keys.generation, value: 'first' }]

it('a MAC is not taken in an older copy of the store, where it was free before another host had it', async () => {
  const store = new MemoryStore()
  const macs = new MacClaims({
    ...{ store, node: 'ann', network: { id: 'blue', name: 'blue' } },
    refused: () => undefined,
  })
  const there = { [keys.network('blue')]: '', [keys.node('ann')]: '', [keys.generation]: 'first' }
  await store.commit(
    [],
    Object.entries(there).map(([put, value]) => ({ put, value })),
  )
  const older = store.copy()
  await store.commit([], [{ put: keys.mac('blue', mac), value: '{"node":"bob"}' }])
  await store.commit([], [{ put: keys.macs('blue'), value: '' }])
  await expect(macs.claim(mac, { condition, gate })).rejects.toMatchObject({ kind: 'addressInUse' })
  store.restore(older)
  await expect(macs.claim(mac, { condition, gate })).rejects.toBeInstanceOf(GateShut)
  expect(store.keys(keys.macs('blue'))).toEqual([])
  // What is put back is written into a store that counts from lower on.
  await macs.claim(mac, { condition })
  expect(store.keys(keys.macs('blue'))).toEqual([keys.mac('blue', mac)])
})
