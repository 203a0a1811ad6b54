// What a node keeps on its disk, in memory: for many nodes in one process.

import type { ClusterOptions } from '@conet/host/cluster/cluster'
import type { KeyValueStore } from '@conet/host/store/key-value-store'
import { openTable } from '@conet/host/store/table'

export function memoryRecords(): ClusterOptions['records'] {
  const entries = new Map<string, string>()
  const changes = {
    put: (key: string, value: string) => void entries.set(key, value),
    delete: (key: string) => void entries.delete(key),
  }
  const store: KeyValueStore = {
    get: (key) => entries.get(key),
    list: (prefix) =>
      [...entries].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
    transaction: (work) => work(changes),
    close: async () => undefined,
  }
  return {
    table: (name, schema) => openTable(store, name, schema, () => undefined),
    transaction: (work) => store.transaction(work),
  }
}
