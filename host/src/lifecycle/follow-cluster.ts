// Networks that other hosts create and delete come on this host's record, and go from it. On the disk, so that the host
// knows them when it starts while the shared store is away.
import type { SharedNetwork } from '../cluster/records.ts'
import { isWanted } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { withoutPrefix } from '../ipam/index.ts'
import { giveBackEmpty, giveBackSpare } from './block-room.ts'
import { replugCutOff } from './cut-off-containers.ts'
import { followDefaultPolicy } from './follow-default-policy.ts'
import type { HostContext } from './host-context.ts'
import { networkQueue } from './keys.ts'
import { dropEverythingShared, stepBack } from './leave-cluster.ts'
import { mayBeClaimed, tidyMacs } from './mac-claims.ts'
import { isUsedHere, releaseIfUnused } from './network-at-driver.ts'
import { removeNetwork } from './remove-network.ts'
import { recordOf, sharedOf } from './shared-network-record.ts'

/** The network is on record when this resolves. */
export function adoptNetwork(host: HostContext, shared: SharedNetwork): Promise<NetworkRecord> {
  return host.queue.run(networkQueue(shared.name), async () => adoptNow(host, shared))
}

/** Within the queue of the network's name. */
export function adoptNow(host: HostContext, shared: SharedNetwork): NetworkRecord {
  const known = host.inventory.networks.get(shared.id)
  if (known?.state === 'active') return known
  // One that is `creating` or `deleting`: made, but for an answer that was lost.
  const network = recordOf(shared)
  host.inventory.putNetwork(network)
  host.removals.done(network.id)
  if (known === undefined) host.addresses.open(network)
  host.events.append({ type: 'network.created', network_id: network.id })
  return network
}

/** Another host has deleted it. */
export async function dropNetwork(host: HostContext, id: string): Promise<void> {
  const name = host.inventory.networks.get(id)?.name
  if (name === undefined) return
  await host.queue.run(networkQueue(name), async () => {
    const network = host.inventory.networks.get(id)
    if (network?.scope !== 'global' || network.state !== 'active') return
    if (isUsedHere(host, id)) {
      // Nobody can delete it in order while this host has endpoints in it: the store has lost it.
      host.log.error({ networkId: id, name }, 'a network in use here is not in the shared store any more')
      return
    }
    await removeNetwork(host, network, { id: `gone-${id}` })
  })
}

/** All networks of the cluster are known: what this host has on record beyond them is gone. */
export async function dropOthers(host: HostContext, known: ReadonlySet<string>): Promise<void> {
  const gone = sharedNetworks(host).filter(({ id }) => !known.has(id))
  for (const { id } of gone) await dropNetwork(host, id)
}

/** What has come out of use while the shared store was away. */
function giveBackUnneeded(host: HostContext, id: string): void {
  const network = host.inventory.networks.get(id)
  if (network === undefined || !isUsedHere(host, id)) return
  tidyMacs(host, network)
  giveBackSpare(host, network)
}

/** What the lifecycle does when something changes in the cluster; nothing of it is waited for. */
export function clusterListener(host: HostContext) {
  const later = (what: string, work: () => Promise<unknown>) => {
    work().catch((err: unknown) => host.log.error({ err }, `cluster: ${what}`))
  }
  return {
    networkSeen: (network: SharedNetwork) =>
      later('a network, or its default policy, does not come on record', async () => {
        await adoptNetwork(host, network)
        await followDefaultPolicy(host, network)
      }),
    networkGone: (id: string) => later('a network that is gone stays on record', () => dropNetwork(host, id)),
    networksKnown: (ids: ReadonlySet<string>) =>
      later('a network that is gone stays on record', async () => {
        await dropOthers(host, ids)
        for (const id of ids) giveBackUnneeded(host, id)
      }),
    networksHeld(ids: readonly string[]) {
      for (const id of ids) {
        releaseIfUnused(host, id)
        giveBackUnneeded(host, id)
      }
    },
    blocksChanged: (networkId: string) => host.addresses.inBlocks(networkId)?.blocksChanged(),
    blockWanted(networkId: string, subnet: string, block?: string) {
      const network = host.inventory.networks.get(networkId)
      if (network !== undefined) giveBackEmpty(host, network, { subnet, block })
    },
    peersChanged: (networkId: string) => host.peers.feed(networkId),
    lost: (endpointIds: readonly string[]) =>
      later('two endpoints have one address', () => stepBack(host, endpointIds)),
    removed: () => dropEverythingShared(host),
    joined: () => later('containers stay cut off', () => replugCutOff(host)),
    networksOnRecord: () =>
      sharedNetworks(host).map((network) => sharedOf(network, host.cluster?.node ?? '')),
    heldHere: (networkId: string, subnet: string) =>
      host.addresses.usage(networkId).find((usage) => usage.subnet === subnet)?.used,
    inUse: (networkId: string) => claimsIn(host, networkId),
  }
}

/** What endpoints of this host claim in a network. */
function claimsIn(host: HostContext, networkId: string) {
  const endpoints = host.inventory.endpointsOfNetwork(networkId)
  const addresses = endpoints.filter(isWanted).flatMap(({ interface: { addresses } }) => addresses)
  return {
    addresses: addresses.map(withoutPrefix),
    macAddresses: endpoints.filter(mayBeClaimed).map(({ interface: { macAddress } }) => macAddress),
  }
}

function sharedNetworks({ inventory }: HostContext): NetworkRecord[] {
  return [...inventory.networks.values()].filter(
    ({ scope, state }) => scope === 'global' && state === 'active',
  )
}
