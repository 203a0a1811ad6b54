import { AwaitedNodes } from '@conet/host/cluster/awaited-nodes'
import { keys } from '@conet/host/cluster/keys'
import { expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { MemoryStore } from '../../../support/memory-store.ts'

const node = (name: string, registeredAt: string) => ({
  ...{ name, identity: name, underlayAddress: '192.0.2.1', version: '0', since: '', registeredAt },
})
const entry = (key: string, value: string) => ({ key, value, revision: 1 })
const removed = (name: string, registeredAt: string) =>
  entry(keys.removed(name), JSON.stringify({ removedAt: '', name, registeredAt }))

it('a host is awaited until it is back or removed, and not where an older copy says of an earlier time that it was', async () => {
  const entries = [
    entry(keys.progress('ann'), '4 new'),
    entry(keys.progress('bob'), '9 old'),
    removed('cy', '2030-01-01T10:00:00.000Z'),
    removed('dan', '2030-01-01T10:00:00.000Z'),
  ]
  const store = {
    list: async (prefix: string) => ({
      entries: entries.filter(({ key }) => key.startsWith(prefix)),
      revision: 1,
    }),
  }
  const times = { ann: '08', bob: '08', cy: '10', dan: '11' }
  const nodes = Object.entries(times).map(([name, hour]) => node(name, `2030-01-01T${hour}:00:00.000Z`))
  const awaited = new AwaitedNodes(store, 'new', nodes)
  expect(awaited.named).toEqual([])
  expect(await awaited.areBack({})).toBe(false)
  expect(awaited.named).toEqual(['bob', 'dan'])
})

it('however many plugs wait for a host, the store is read for them once at a time and twice a second at most', async () => {
  const store = new MemoryStore()
  const awaited = new AwaitedNodes(store, 'new', [node('ann', '')])
  const asked = () => store.listed.filter((prefix) => prefix === keys.progress('ann')).length
  const all = () => Promise.all(Array.from({ length: 100 }, () => awaited.areBack({})))
  expect(new Set(await all())).toEqual(new Set([false]))
  expect(new Set(await all())).toEqual(new Set([false]))
  expect(asked()).toBe(1)
  await store.commit([], [{ put: keys.progress('ann'), value: '1 new' }])
  await eventually(async () => expect(await awaited.areBack({})).toBe(true))
  expect(asked()).toBe(2)
})

it('one who waits for a host no longer goes, and the others wait on', async () => {
  const store = new MemoryStore()
  const awaited = new AwaitedNodes(store, 'new', [node('ann', '')])
  const end = new AbortController()
  const going = awaited.areBack({ signal: end.signal })
  const staying = awaited.areBack({})
  end.abort(new Error('he is gone'))
  await expect(going).rejects.toThrow('he is gone')
  expect(await staying).toBe(false)
})
