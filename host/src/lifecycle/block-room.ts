// Room for addresses in networks of the cluster: this host hands out only those of its own blocks, so it takes one more
// when they are full, one ahead when they are nearly so, and gives back what it does not need.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { ClusterAccess, ClusterNetwork } from './cluster-access.ts'
import type { HostContext, Operation } from './host-context.ts'
import { namingField } from './named-field.ts'
import type { BlockRoom } from './network-addresses.ts'
import { isUsedHere } from './network-at-driver.ts'

/** Whether the attachment can have what it wants out of this host's own blocks. Throws when another host has its MAC. */
export function hasRoomFor(
  host: HostContext,
  network: NetworkRecord,
  { addresses, macAddress }: Attachment,
): boolean {
  const inBlocks = host.addresses.inBlocks(network.id)
  if (inBlocks === undefined) return true
  const cluster = clusterOf(host, network)
  if (macAddress !== undefined) refuseTakenMac(cluster, network, macAddress)
  const rooms = inBlocks.rooms()
  const isWithout = (family: 4 | 6) => !addresses.some((address) => familyOf(address) === family)
  return (
    addresses.every((address) => inBlocks.foreignSubnetOf(address) === undefined) &&
    ([4, 6] as const).every((family) => {
      const own = rooms.filter((room) => room.family === family)
      return own.length === 0 || !isWithout(family) || hasRoom(own)
    })
  )
}

/**
 * Resolves when there is room for what the attachment wants; somebody else may take it in a later turn. Throws
 * `addressesExhausted`, `addressInUse` with the host that has a requested address, `clusterUnavailable`.
 */
export async function ensureRoom(
  host: HostContext,
  { network, attachment }: { network: NetworkRecord; attachment: Attachment },
  operation: Operation,
): Promise<void> {
  if (network.scope !== 'global' || network.ipam === 'driver') return
  const cluster = clusterOf(host, network)
  const of = clusterNetwork(network)
  cluster.networks.use(of)
  for (const [n, address] of attachment.addresses.entries()) {
    const inBlocks = host.addresses.inBlocks(network.id)
    const subnet = inBlocks?.foreignSubnetOf(address)
    if (subnet === undefined) continue
    try {
      // Else a block would be taken for nothing.
      inBlocks?.assertRequestable(address)
      await cluster.networks.claimFor(of, { address, subnet }, operation)
    } catch (error) {
      throw namingField(error, `addresses[${n}]`)
    }
  }
  for (const family of [4, 6] as const) {
    if (attachment.addresses.some((address) => familyOf(address) === family)) continue
    await ensureFamily(host, { cluster, of, family })
  }
}

type Wanted = { cluster: ClusterAccess; of: ClusterNetwork; family: 4 | 6 }

async function ensureFamily(host: HostContext, { cluster, of, family }: Wanted): Promise<void> {
  const roomsNow = () => roomsOf(host, of.id).filter((room) => room.family === family)
  if (roomsNow().length === 0 || hasRoom(roomsNow())) return
  let full: unknown
  // All that is free first, before others are asked for what they do not need.
  for (const way of ['claim', 'recall'] as const) {
    for (const { subnet } of roomsNow()) {
      try {
        await cluster.networks[way](of, subnet)
        if (hasRoom(roomsNow())) return
      } catch (error) {
        if (!ConetError.is(error, 'addressesExhausted')) throw error
        full = error
      }
    }
  }
  if (full !== undefined) throw full
}

function refuseTakenMac(cluster: ClusterAccess, network: NetworkRecord, mac: string): void {
  const holder = cluster.networks.peersOf(network.id)?.holderOf(mac)
  if (holder === undefined) return
  const { node, container } = holder
  throw new ConetError('addressInUse', `reserve MAC ${mac}: container ${container} on node ${node} has it`, {
    details: { mac, node, container },
    fields: [{ path: 'mac_address', message: `container ${container} on node ${node} has it` }],
  })
}

/** After addresses were taken: one block more in time, so that the next plugs need not wait for it. */
export function claimAhead(host: HostContext, network: NetworkRecord): void {
  const { cluster } = host
  if (network.scope !== 'global' || cluster === undefined) return
  for (const { subnet, free, blockSize } of roomsOf(host, network.id)) {
    if (free === 0n || free * 4n >= blockSize) continue
    cluster.networks.claim(clusterNetwork(network), subnet).catch((err) => {
      // Who needs it then, and finds none, says so.
      host.log.debug({ networkId: network.id, err }, 'no block of addresses ahead')
    })
  }
}

/** After addresses were given up: of the empty blocks one is kept for the next endpoints. */
export function giveBackSpare(host: HostContext, network: NetworkRecord): void {
  if (!isUsedHere(host, network.id)) return
  for (const { subnet } of roomsOf(host, network.id)) giveBackBut(host, { network, subnet, kept: 1 })
}

/** Another host needs a block, and none is free; or that one, in which it has endpoints. */
export function giveBackEmpty(
  host: HostContext,
  network: NetworkRecord,
  { subnet, block }: { subnet: string; block?: string | undefined },
): void {
  giveBackBut(host, { network, subnet, block, kept: 0 })
}

function giveBackBut(
  host: HostContext,
  wish: { network: NetworkRecord; subnet: string; block?: string | undefined; kept: 0 | 1 },
): void {
  const { network, subnet, block: only, kept } = wish
  const { cluster } = host
  if (network.scope !== 'global' || cluster === undefined) return
  const emptyNow = () => roomsOf(host, network.id).find((room) => room.subnet === subnet)?.emptyBlocks ?? []
  const unneeded = emptyNow().slice(kept)
  for (const block of unneeded.filter((name) => only === undefined || name === only)) {
    const isSpare = () => emptyNow().length > kept && emptyNow().includes(block)
    cluster.networks.giveBack(clusterNetwork(network), block, isSpare).catch((err) => {
      host.log.debug({ networkId: network.id, block, err }, 'a block of addresses is not given back')
    })
  }
}

/** Throws where the host has no part in a cluster any more. */
export function clusterOf({ cluster }: HostContext, { name, id }: NetworkRecord): ClusterAccess {
  if (cluster !== undefined) return cluster
  throw new ConetError(
    'failedPrecondition',
    `use network ${name}: it is a cluster's, and this host has none`,
    {
      details: { networkId: id },
      help: 'start conetd with --cluster',
    },
  )
}

export function clusterNetwork({ id, name, subnets, blockBits = 0 }: NetworkRecord): ClusterNetwork {
  return { id, name, subnets, blockBits }
}

function roomsOf(host: HostContext, networkId: string): BlockRoom[] {
  return host.addresses.inBlocks(networkId)?.rooms() ?? []
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

function hasRoom(rooms: readonly BlockRoom[]): boolean {
  return rooms.some(({ free }) => free > 0n)
}
