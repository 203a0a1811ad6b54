// Finding containers, with an error that says how to make one.
import { ConetError } from '@conet/sdk'
import type { ContainerRecord } from '../domain/container.ts'
import type { HostContext } from './host-context.ts'

export function requireContainer(host: HostContext, handle: string): ContainerRecord {
  const container = host.inventory.containers.get(handle)
  if (container !== undefined) return container
  throw new ConetError('notFound', `no container has the handle ${handle}`, {
    details: { handle },
    help: `define it first: conet container create ${handle}`,
  })
}
