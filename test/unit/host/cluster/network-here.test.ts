import { keys } from '@conet/host/cluster/keys'
import { NetworkHere } from '@conet/host/cluster/network-here'
import { OwnBlockRecord } from '@conet/host/cluster/own-blocks'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { fourBlocks } from '../../../support/cluster-node.ts'
import { eventually } from '../../../support/eventually.ts'
import { memoryRecords } from '../../../support/memory-records.ts'
import { SlowStore } from '../../../support/slow-store.ts'

const blue = fourBlocks('10.1.0.0/28')
const block = { subnet: '10.1.0.0/28', block: '10.1.0.4' }

it('a block that was this node’s is no longer, when the node was removed while it was put back', {
  timeout: 10_000,
}, async () => {
  const store = new SlowStore()
  const own = new OwnBlockRecord(memoryRecords(), () => undefined)
  const condition = { absent: '/removed' }
  const value = JSON.stringify({ node: 'ann', subnet: block.subnet })
  await store.commit([], [{ put: keys.block(blue.id, block.block), value }])
  own.add({ networkId: blue.id, ...block })
  const here = new NetworkHere({
    ...{ store, node: 'ann', network: blue, own, log: pino({ level: 'silent' }) },
    gate: { run: (_what, work) => work([]) },
    registered: async () => condition,
    isLoss: async () => false,
    assureWhole: async () => undefined,
    isRemoved: () => false,
    refused: () => undefined,
    adoptionFailed: () => undefined,
    peersChanged: () => undefined,
    lost: () => undefined,
    blockWanted: () => undefined,
    heldHere: () => undefined,
  })
  const tell = store.hold()
  store.listed.length = 0
  const puttingBack = here.putBack({ addresses: ['10.1.0.5'], macAddresses: [] }, {})
  await eventually(() => store.listed.includes(keys.blocks(blue.id)))
  own.remove(blue.id, [block.block])
  const closing = here.close()
  tell()
  await puttingBack
  await closing
  expect(own.all(blue.id)).toEqual([])
})
