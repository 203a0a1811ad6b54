// Who keeps a network from being deleted, or forgotten: containers of this host, and of a network of the cluster those of all hosts.
import { ConetError } from '@conet/sdk'
import type { NetworkRecord } from '../domain/network.ts'
import type { HostContext } from './host-context.ts'

const mostNamed = 20
const mostListed = 100

/** Throws `inUse` when a container of this host wants the network; it names those on other hosts too. `what` begins the message. */
export async function assertUnused(
  host: HostContext,
  network: NetworkRecord,
  what: 'delete' | 'forget',
): Promise<void> {
  const here = holdersHere(host, network)
  if (here.length === 0) return
  const elsewhere = await holdersElsewhere(host, network)
  const words = [...elsewhere].map(([node, containers]) => ` and, on ${node}, by ${some(containers)}`)
  throw new ConetError(
    'inUse',
    `${what} network ${network.name}: it is used by ${some(here)}${words.join('')}`,
    {
      details: {
        networkId: network.id,
        containers: here.slice(0, mostListed),
        ...(elsewhere.size > 0 && { elsewhere: Object.fromEntries(elsewhere) }),
      },
      help: 'unplug or remove these containers first',
    },
  )
}

function holdersHere({ inventory }: HostContext, { id }: NetworkRecord): string[] {
  const staying = inventory.endpointsOfNetwork(id).filter(({ state }) => state !== 'deleting')
  const holders = new Set(staying.map(({ handle }) => handle))
  for (const { handle, attachments } of inventory.containers.values())
    if (attachments.some(({ networkId }) => networkId === id)) holders.add(handle)
  return [...holders]
}

/** By host; none while the shared store is away, which decides nothing here. */
async function holdersElsewhere(
  { cluster }: HostContext,
  { id, scope }: NetworkRecord,
): Promise<Map<string, string[]>> {
  if (scope !== 'global' || cluster === undefined) return new Map()
  const found = new Map<string, Set<string>>()
  for (const { node, container } of (await cluster.wholeNetwork(id))?.members ?? [])
    if (node !== cluster.node) found.set(node, (found.get(node) ?? new Set()).add(container))
  return new Map([...found].map(([node, containers]) => [node, [...containers].slice(0, mostListed)]))
}

function some(handles: readonly string[]): string {
  const more = handles.length > mostNamed ? `, and ${handles.length - mostNamed} more` : ''
  return handles.slice(0, mostNamed).join(', ') + more
}
