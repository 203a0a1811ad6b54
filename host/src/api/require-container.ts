// The container that a request names, or an error that says how to make it.
import type { ContainerRecord } from '../domain/container.ts'
import { unknownContainer } from '../domain/unknown-container.ts'
import type { InventoryReader } from './api-context.ts'

export function requireContainer(inventory: InventoryReader, handle: string): ContainerRecord {
  const container = inventory.containers.get(handle)
  if (container !== undefined) return container
  throw unknownContainer(handle)
}
