// Finding containers, with an error that says how to make one.
import type { ContainerRecord } from '../domain/container.ts'
import { unknownContainer } from '../domain/unknown-container.ts'
import type { HostContext } from './host-context.ts'

export function requireContainer(host: HostContext, handle: string): ContainerRecord {
  const container = host.inventory.containers.get(handle)
  if (container !== undefined) return container
  throw unknownContainer(handle)
}
