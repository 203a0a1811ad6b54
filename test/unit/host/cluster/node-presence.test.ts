import { root } from '@conet/host/cluster/keys'
import { NodePresence } from '@conet/host/cluster/node-presence'
import { ObeyedRemovals } from '@conet/host/cluster/obeyed-removals'
import type { SharedStore } from '@conet/host/cluster/shared-store'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { memoryRecords } from '../../../support/memory-records.ts'

const node = { name: 'one', identity: 'machine', underlayAddress: '192.0.2.1', version: '0', since: '' }

/** A store in which an operator has said that the node is removed. */
function storeWith(mark: string): SharedStore {
  return {
    refusal: undefined,
    revision: 1,
    written: 0,
    restartAt: () => undefined,
    get: async (key) => (key.includes('/removed/') ? { key, value: mark, revision: 1 } : undefined),
    list: async () => ({ entries: [], revision: 1 }),
    count: async () => 0,
    commit: async () => ({ committed: true, revision: 2 }),
    watch: async () => undefined,
    holdLease: async () => ({ id: '1', lost: new Promise(() => undefined) }),
    grantLease: async () => '1',
    close: () => undefined,
  }
}

describe('a node that was removed', () => {
  it('obeys once, also when an older copy of the store says it again; another removal is another one', async () => {
    const obeyed = new ObeyedRemovals(memoryRecords())
    let drops = 0
    const comesBackTo = async (mark: string) => {
      const presence = new NodePresence({
        store: storeWith(mark),
        node,
        obeyed,
        removed: async () => void drops++,
        changed: () => undefined,
      })
      const end = new AbortController()
      void presence.follow(end.signal)
      await eventually(() => expect(presence.condition).toBeDefined())
      end.abort()
      return drops
    }
    expect(await comesBackTo('monday')).toBe(1)
    expect(await comesBackTo('monday')).toBe(1)
    expect(await comesBackTo('tuesday')).toBe(2)
  })
})

describe('a node that has nothing to write', () => {
  it('asks the store, each time it has looked thrice, whether it would be allowed to', async () => {
    let looks = 0
    const looksAtTries: number[] = []
    const commit: SharedStore['commit'] = async ([condition], changes) => {
      const isTry = condition !== undefined && 'present' in condition && condition.present === root
      if (isTry) looksAtTries.push(looks)
      else if (changes.length === 0) looks++
      return { committed: !isTry, revision: 2 }
    }
    const presence = new NodePresence({
      store: { ...storeWith('monday'), commit },
      node,
      obeyed: new ObeyedRemovals(memoryRecords()),
      removed: async () => undefined,
      changed: () => undefined,
      lookEachMs: 2,
    })
    const end = new AbortController()
    void presence.follow(end.signal)
    await eventually(() => expect(looksAtTries.length).toBeGreaterThan(1))
    end.abort()
    expect(looksAtTries.slice(0, 2)).toEqual([3, 6])
  })
})
