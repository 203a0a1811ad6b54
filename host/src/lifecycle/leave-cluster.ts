// What this host had in networks of the cluster belongs to others now: an operator has removed it, or another host has it.
import { replugCutOff } from './cut-off-containers.ts'
import type { HostContext } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { removeEndpoint } from './remove-endpoint.ts'

/** Containers run on, without their endpoints in networks of the cluster until the host has joined anew. Resolves when that is done, or on record. */
export async function dropEverythingShared(host: HostContext): Promise<void> {
  const ids = new Set(
    [...host.inventory.networks.values()].filter(({ scope }) => scope === 'global').map(({ id }) => id),
  )
  const endpoints = [...host.inventory.endpoints.values()].filter(({ networkId }) => ids.has(networkId))
  host.log.error(
    { node: host.cluster?.node, endpoints: endpoints.length },
    'cluster: this node was removed: its endpoints in networks of the cluster end',
  )
  await Promise.all(endpoints.map(({ id, handle }) => drop(host, id, handle)))
}

/** Others have by right what these endpoints have: their containers get something else, or are shown. May be repeated. */
export async function stepBack(host: HostContext, ids: readonly string[]): Promise<void> {
  const endpoints = ids.flatMap((id) => host.inventory.endpoints.get(id) ?? [])
  for (const {
    id,
    handle,
    interface: { addresses },
  } of endpoints)
    host.log.error(
      { endpointId: id, handle, addresses },
      'cluster: another host has what this endpoint has: it ends',
    )
  await Promise.all(endpoints.map(({ id, handle }) => drop(host, id, handle)))
  await replugCutOff(host)
}

function drop(host: HostContext, id: string, handle: string): Promise<void> {
  return host.queue.run(containerQueue(handle), async () => {
    const endpoint = host.inventory.endpoints.get(id)
    if (endpoint === undefined) return
    if (endpoint.state === 'plugged') host.cutOff.add(endpoint)
    try {
      await removeEndpoint(host, endpoint, { id: `removed-${id}` })
    } catch (err) {
      host.log.error({ endpointId: id, err }, 'an endpoint of a removed node has not ended yet')
    }
  })
}
