// How a container resolves names: what its networks and their drivers say, the primary one's first, else the configuration.
import type { Dns } from '@conet/sdk'
import { type ContainerRecord, primaryOf } from '../domain/container.ts'
import { resolverFor } from '../domain/dns.ts'
import { sandboxIdOf } from '../domain/ids.ts'
import type { HostContext } from './host-context.ts'

/** Undefined: nobody says anything. */
export function resolverOf(host: HostContext, container: ContainerRecord): Dns | undefined {
  const primary = primaryOf(container.attachments)?.name
  const byAttachment = new Map(
    host.inventory
      .endpointsOfContainer(container.handle)
      .map(({ attachment, result }) => [attachment, result?.dns]),
  )
  const primaryFirst = [...container.attachments].sort(
    (a, b) => Number(b.name === primary) - Number(a.name === primary),
  )
  const answers = primaryFirst.flatMap(({ name, networkId }) => [
    host.inventory.networks.get(networkId)?.dns ?? [],
    byAttachment.get(name) ?? [],
  ])
  return resolverFor(answers.flat(), host.resolver.defaults)
}

/** Writes the container's files, or writes them anew. Nothing to do for one that is unknown. */
export function writeResolverFiles(host: HostContext, handle: string): void {
  const container = host.inventory.containers.get(handle)
  if (container === undefined) return
  const primary = primaryOf(container.attachments)?.name
  const endpoints = host.inventory
    .endpointsOfContainer(handle)
    .filter(({ state }) => state === 'plugged')
    .sort((a, b) => Number(b.attachment === primary) - Number(a.attachment === primary))
  const addresses = endpoints
    .flatMap(({ interface: plan }) => plan.addresses)
    .map((address) => address.replace(/\/.*/, ''))
  host.resolver.write(sandboxIdOf(handle), { dns: resolverOf(host, container), handle, addresses })
}
