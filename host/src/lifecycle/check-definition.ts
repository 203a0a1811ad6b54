// What can be known of a container's definition before it starts: what `up` would refuse then is refused now, as far as it
// depends on nothing that may change. A driver that is away is not waited for; `up` asks it.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import { hasWayOut, type NetworkRecord } from '../domain/network.ts'
import type { HostContext, Operation } from './host-context.ts'
import { about } from './named-field.ts'
import { refuseAmbiguousNetworks } from './subnet-overlap.ts'

/** Throws the first fault, with the path of its field below `attach_to`. Reserves nothing. */
export async function checkDefinition(
  host: HostContext,
  { handle, attachments }: { handle: string; attachments: readonly Attachment[] },
  operation: Operation,
): Promise<void> {
  // What the container holds already is given up, or kept, by its new definition.
  const owners = new Set(host.inventory.endpointsOfContainer(handle).map(({ id }) => id))
  const before: NetworkRecord[] = []
  const addresses = new Set<string>()
  for (const [index, attachment] of attachments.entries()) {
    const network = host.inventory.networks.get(attachment.networkId)
    if (network === undefined) continue
    const at = `attach_to[${index}]`
    about(at, () => refuseAmbiguousNetworks(network, before, handle))
    before.push(network)
    refuseDefaultRoute(attachment, network, `${at}.default_route`)
    attachment.addresses.forEach((address, n) => {
      const path = `${at}.addresses[${n}]`
      about(path, () => host.addresses.assertRequestable(network.id, address, owners))
      if (addresses.has(`${network.id} ${address}`)) refuse(path, `${address} is asked for twice`)
      addresses.add(`${network.id} ${address}`)
    })
    await checkOptions(host, { attachment, network, path: `${at}.options` }, operation)
  }
}

function refuseDefaultRoute({ defaultRoute }: Attachment, network: NetworkRecord, path: string): void {
  if (defaultRoute === true && !hasWayOut(network)) refuse(path, `network ${network.name} has no gateway`)
}

async function checkOptions(
  host: HostContext,
  { attachment, network, path }: { attachment: Attachment; network: NetworkRecord; path: string },
  { signal }: Operation,
): Promise<void> {
  if (host.drivers.stateOf(network.type) !== 'ready') return
  const session = await host.drivers.require(network.type, signal === undefined ? {} : { signal })
  await session.documents.check('attachment', attachment.options, path)
}

function refuse(path: string, message: string): never {
  throw new ConetError('invalidArgument', `${path}: ${message}`, { fields: [{ path, message }] })
}
