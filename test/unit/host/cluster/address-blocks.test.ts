import { AddressBlocks } from '@conet/host/cluster/address-blocks'
import type { SharedStore } from '@conet/host/cluster/shared-store'
import { describe, expect, it } from 'vitest'

const subnet = '10.1.0.0/24'
const network = {
  id: 'n1',
  name: 'blue',
  subnets: [{ family: 4 as const, subnet, exclude: [] }],
  blockBits: 4,
}
const condition = { present: '/node' }

/** A store that keeps what is put and tells its watchers at once. Without a network it takes nothing. */
function sharedStore({ takes = true, hasNetwork = true } = {}) {
  const entries = new Map<string, string>()
  const watchers: Parameters<SharedStore['watch']>[1][] = []
  const store: Pick<SharedStore, 'get' | 'list' | 'commit' | 'watch' | 'revision'> = {
    revision: 1,
    get: async (key) => (hasNetwork ? { key, value: '{}', revision: 1 } : undefined),
    list: async () => ({
      entries: [...entries].map(([key, value]) => ({ key, value, revision: 1 })),
      revision: 1,
    }),
    async commit(_conditions, changes) {
      for (const change of takes ? changes : []) {
        if (!('put' in change)) continue
        entries.set(change.put, change.value)
        const told = [{ key: change.put, value: change.value, revision: 2 }]
        for (const { changed } of watchers) changed(told)
      }
      return { committed: takes, revision: 2 }
    },
    watch: (_prefix, watching) => {
      watchers.push(watching)
      return new Promise((resolve) => watching.signal.addEventListener('abort', () => resolve()))
    },
  }
  return store
}

describe('a block that a node asks the others for', () => {
  it('is asked for each time, though the wish of the time before was left in the store', async () => {
    const store = sharedStore()
    const wanted: string[] = []
    const ending = new AbortController()
    const other = new AddressBlocks({ store, node: 'two', network, wanted: (of) => wanted.push(of) })
    const following = other.follow(ending.signal)
    await other.current(ending.signal)
    const blocks = new AddressBlocks({ store, node: 'one', network })
    await blocks.transactions.ask({ subnet }, { condition })
    await blocks.transactions.ask({ subnet }, { condition })
    expect(wanted).toEqual([subnet, subnet])
    ending.abort()
    await following
  })

  it('is not asked for by a node that is not registered any more, nor of a network that is gone', async () => {
    let refusals = 0
    const refused = () => refusals++
    const ask = (store: ReturnType<typeof sharedStore>) =>
      new AddressBlocks({ store, node: 'one', network, refused }).transactions.ask({ subnet }, { condition })
    await expect(ask(sharedStore({ takes: false }))).rejects.toMatchObject({ kind: 'clusterUnavailable' })
    expect(refusals).toBe(1)
    const gone = sharedStore({ takes: false, hasNetwork: false })
    await expect(ask(gone)).rejects.toMatchObject({ kind: 'notFound' })
    expect(refusals).toBe(1)
  })
})
