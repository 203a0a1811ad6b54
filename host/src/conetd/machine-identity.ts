// What is made once a machine and kept: the node's id, and the block of unique local addresses that its networks
// get theirs from.
import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { generateUlaPool } from '../ipam/index.ts'
import type { Store } from '../store/index.ts'

const MachineIdentity = Type.Object({
  nodeId: Type.String(),
  ipv6Pool: Type.Object({ base: Type.String(), size: Type.Integer() }),
})
export type MachineIdentity = Static<typeof MachineIdentity>

const key = 'this'

export function machineIdentity(store: Pick<Store, 'table' | 'transaction'>): MachineIdentity {
  const table = store.table('machine', MachineIdentity)
  const known = table.get(key)
  if (known !== undefined) return known
  const made: MachineIdentity = { nodeId: randomUUID(), ipv6Pool: generateUlaPool() }
  store.transaction((changes) => table.put(changes, key, made))
  return made
}
