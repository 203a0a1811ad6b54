// How a container resolves names: what its networks and their drivers say, the primary one's first, else the configuration.
import { isDeepStrictEqual } from 'node:util'
import type { Dns } from '@conet/sdk'
import { type ContainerRecord, primaryOf } from '../domain/container.ts'
import { resolverFor } from '../domain/dns.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { sandboxIdOf } from '../domain/ids.ts'
import type { NameResolution } from '../sandbox/index.ts'
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
  write(host, handle, namesOf(host, handle))
}

/**
 * Writes the files as they are to be after a plug, while its driver works. What is returned is called when it has ended, well or
 * badly, and writes them anew if it has ended otherwise.
 */
export function writeResolverFilesAhead(host: HostContext, plugging: EndpointRecord): () => void {
  const { handle } = plugging
  let written: NameResolution | undefined
  const turn = setImmediate(() => {
    const names = namesOf(host, handle, plugging)
    try {
      write(host, handle, names)
      written = names
    } catch {
      // Said by the second attempt, to whom it concerns.
    }
  })
  return () => {
    clearImmediate(turn)
    const names = namesOf(host, handle)
    if (!isDeepStrictEqual(names, written)) write(host, handle, names)
  }
}

function write(host: HostContext, handle: string, names: NameResolution | undefined): void {
  if (names !== undefined) host.resolver.write(sandboxIdOf(handle), names)
}

/** `plugging`: counts as plugged. */
function namesOf(host: HostContext, handle: string, plugging?: EndpointRecord): NameResolution | undefined {
  const container = host.inventory.containers.get(handle)
  if (container === undefined) return undefined
  const primary = primaryOf(container.attachments)?.name
  const endpoints = host.inventory
    .endpointsOfContainer(handle)
    .filter(({ id, state }) => state === 'plugged' || id === plugging?.id)
    .sort((a, b) => Number(b.attachment === primary) - Number(a.attachment === primary))
  const addresses = endpoints
    .flatMap(({ interface: plan }) => plan.addresses)
    .map((address) => address.replace(/\/.*/, ''))
  const { hostname, extraHosts } = host.inventory.sandboxes.get(handle) ?? {}
  return { dns: resolverOf(host, container), hosts: { handle, hostname, addresses, extraHosts } }
}
