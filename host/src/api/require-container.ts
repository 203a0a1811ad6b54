// The container that a request names, or an error that says how to make it.
import { ConetError } from '@conet/sdk'
import type { ContainerRecord } from '../domain/container.ts'
import type { InventoryReader } from './api-context.ts'

export function requireContainer(inventory: InventoryReader, handle: string): ContainerRecord {
  const container = inventory.containers.get(handle)
  if (container !== undefined) return container
  throw new ConetError('notFound', `no container has the handle ${handle}`, {
    details: { container: handle },
    help: `define it first: conet container create ${handle}`,
  })
}
