// Networks of a container's own: made when it comes up, before their attachments are plugged, and gone with it.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import { ownNetworkName } from '../domain/ids.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { createOwnedNetwork } from './create-network.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import { networkQueue } from './keys.ts'
import { removeNetwork } from './remove-network.ts'

/** Makes the network of an attachment, if it is one of the container's own. There already: nothing to do. */
export async function makeOwnNetwork(
  host: HostContext,
  { handle, attachment }: { handle: string; attachment: Attachment },
  operation: Operation,
): Promise<void> {
  const { own, networkId: id, name: attachmentName } = attachment
  if (own === undefined) return
  const name = ownNetworkName(handle, attachmentName)
  await host.queue.run(networkQueue(name), async () => {
    await awaitFormer(host, { name, id }, operation)
    if (host.inventory.networks.get(id)?.state === 'active') return
    await createOwnedNetwork(host, { id, owner: handle, body: { name, ...own } }, operation)
  })
}

/** The newest first. What cannot be done now is on record and tried again. */
export async function removeOwnNetworks(
  host: HostContext,
  handle: string,
  operation: Operation,
): Promise<{ states: Removed[]; failures: unknown[] }> {
  const states: Removed[] = []
  const failures: unknown[] = []
  for (const network of ownNetworks(host, handle).reverse()) {
    try {
      states.push(await removeOwn(host, network, operation))
    } catch (error) {
      failures.push(error)
    }
  }
  return { states, failures }
}

/** Undoes `makeOwnNetwork`. */
export async function removeOwnNetwork(host: HostContext, { networkId }: Attachment): Promise<void> {
  const network = host.inventory.networks.get(networkId)
  if (network === undefined) return
  try {
    await removeOwn(host, network, { id: `undo-${networkId}` })
  } catch (err) {
    host.log.error({ networkId, err }, 'a network of a failed up is not removed yet')
  }
}

/** Oldest first. */
function ownNetworks(host: HostContext, handle: string): NetworkRecord[] {
  return [...host.inventory.networks.values()]
    .filter(({ owner }) => owner === handle)
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
}

function removeOwn(host: HostContext, { id, name }: NetworkRecord, operation: Operation): Promise<Removed> {
  return host.queue.run(networkQueue(name), async () => {
    const network = host.inventory.networks.get(id)
    return network === undefined ? 'gone' : removeNetwork(host, network, operation)
  })
}

/** One of the same name may still be on its way out: it goes first. */
async function awaitFormer(
  host: HostContext,
  { name, id }: { name: string; id: string },
  operation: Operation,
): Promise<void> {
  const former = [...host.inventory.networks.values()].find(
    (network) => network.name === name && (network.state === 'deleting' || network.id !== id),
  )
  if (former?.owner === undefined || (await removeNetwork(host, former, operation)) === 'gone') return
  throw new ConetError('operationPending', `make network ${name}: the one before is still being deleted`, {
    details: { networkId: former.id },
    help: `it is gone once driver ${former.type} has confirmed: conet status shows what is awaited`,
  })
}
