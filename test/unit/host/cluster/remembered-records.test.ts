import { keys } from '@conet/host/cluster/keys'
import { KnownNodes } from '@conet/host/cluster/known-nodes'
import { SharedNode } from '@conet/host/cluster/records'
import type { WatchedChange } from '@conet/host/cluster/shared-store'
import { ConetError } from '@conet/sdk'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { memoryRecords } from '../../../support/memory-records.ts'
import { MemoryStore } from '../../../support/memory-store.ts'

let end: AbortController
beforeEach(() => {
  end = new AbortController()
})
afterEach(() => end.abort())

const nodeOf = (name: string) => ({
  name,
  identity: name,
  underlayAddress: '192.0.2.1',
  version: '0',
  since: '',
})
const seen = (name: string): WatchedChange => ({
  key: keys.node(name),
  value: JSON.stringify(nodeOf(name)),
  revision: 3,
})

/** Nodes that a store knows, of which the test says what it tells, on a disk that may be full. */
async function scene() {
  const store = new MemoryStore()
  const told = new Map<string, (changes: readonly WatchedChange[]) => void>()
  store.watch = (prefix, { changed, signal }) => {
    told.set(prefix, changed)
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  }
  const records = memoryRecords()
  const disk = { isFull: false }
  const logged: string[] = []
  const nodes = new KnownNodes({
    store,
    identity: 'ann',
    records: {
      table: records.table,
      transaction: (work, purpose) => {
        if (disk.isFull && purpose !== 'removal') throw new ConetError('storageFull', 'no space left')
        return records.transaction(work, purpose)
      },
    },
    isLoss: async () => false,
    seenHere: () => undefined,
    signal: end.signal,
    log: pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line).msg) }),
    againMs: { firstMs: 10, mostMs: 10 },
  })
  void nodes.follow()
  const tell = await eventually(() => {
    const found = told.get(keys.nodes)
    if (found === undefined) throw new Error('nobody watches the nodes')
    return found
  })
  const table = records.table('nodes', SharedNode)
  const onDisk = () => table.list().map(({ key }) => key)
  return { nodes, disk, tell, onDisk, logged }
}

it('a node that comes while the disk is full is known, and is on the disk when there is room; who follows the store goes on', async () => {
  const { nodes, disk, tell, onDisk, logged } = await scene()
  tell([seen('ann')])
  expect(onDisk()).toEqual(['ann'])
  disk.isFull = true
  expect(() => tell([seen('bob')])).not.toThrow()
  tell([seen('cy')])
  expect(nodes.all.map(({ name }) => name)).toEqual(['ann', 'bob', 'cy'])
  expect(onDisk()).toEqual(['ann'])
  // Once, however many come.
  expect(logged).toHaveLength(1)
  disk.isFull = false
  await eventually(() => expect(onDisk()).toEqual(['ann', 'bob', 'cy']))
  await eventually(() => expect(logged).toHaveLength(2))
})

it('a node that goes while the disk is full goes from the disk at once; one that came and went was never there', async () => {
  const { nodes, disk, tell, onDisk } = await scene()
  tell([seen('ann'), seen('bob')])
  disk.isFull = true
  tell([seen('cy')])
  tell([{ key: keys.node('bob'), revision: 4 }])
  expect(onDisk()).toEqual(['ann'])
  tell([{ key: keys.node('cy'), revision: 5 }])
  expect(nodes.all.map(({ name }) => name)).toEqual(['ann'])
  disk.isFull = false
  tell([seen('dan')])
  expect(onDisk()).toEqual(['ann', 'dan'])
})
