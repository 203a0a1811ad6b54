import { keys } from '@conet/host/cluster/keys'
import { OwnProgress } from '@conet/host/cluster/own-progress'
import { describe, expect, it } from 'vitest'
import { memoryRecords } from '../../../support/memory-records.ts'
import { SlowStore } from '../../../support/slow-store.ts'

async function counted() {
  const store = new SlowStore()
  await store.commit([], [{ put: keys.generation, value: 'g' }])
  const progress = new OwnProgress(store, { records: memoryRecords(), identity: 'machine' })
  await progress.catchUp('g', {})
  return { store, progress }
}

describe('what a node has counted of what it wrote', () => {
  it('is not forgotten by a store whose answer is older than what was counted while it was on its way', async () => {
    const { store, progress } = await counted()
    const arrive = store.hold()
    const look = progress.isForgotten({})
    store.arrival = Promise.resolve()
    await store.commit([], [{ put: '/others', value: '1' }])
    expect(await progress.advance('g', {})).toBe(true)
    arrive()
    expect(await look).toBe(false)
  })

  it('is forgotten by one that has a lower count', async () => {
    const { store, progress } = await counted()
    const copy = store.copy()
    await store.commit([], [{ put: '/others', value: '1' }])
    expect(await progress.advance('g', {})).toBe(true)
    expect(await progress.isForgotten({})).toBe(false)
    store.restore(copy)
    expect(await progress.isForgotten({})).toBe(true)
    await store.commit([], [{ put: '/others', value: '2' }])
    expect(await progress.advance('g', {})).toBe(false)
  })
})
