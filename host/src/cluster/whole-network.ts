// A network as all nodes together have it.
import { isInSubnet } from '../ipam/index.ts'
import { keys } from './keys.ts'
import { reader, SharedBlock, SharedMember, UnpluggedAddresses } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type WholeNetwork = {
  readonly members: readonly (SharedMember & { readonly node: string; readonly endpointId: string })[]
  /** By subnet: of each node, how many blocks it has. */
  readonly blocks: ReadonlyMap<string, Readonly<Record<string, number>>>
  /** Of each node: how many addresses of a subnet its endpoints hold, plugged or not, as far as it has said. */
  used(subnet: string): Record<string, number>
}

const readMember = reader(SharedMember)
const readBlock = reader(SharedBlock)
const readUnplugged = reader(UnpluggedAddresses)

export async function readWholeNetwork(
  store: SharedStore,
  networkId: string,
  limits: CallLimits = {},
): Promise<WholeNetwork> {
  const [found, blocks] = await Promise.all([
    store.list(keys.members(networkId), limits),
    store.list(keys.blocks(networkId), limits),
  ])
  const use = new Map<string, Record<string, number>>()
  for (const { value } of blocks.entries) {
    const block = readBlock(value)
    if (block === undefined) continue
    const ofSubnet = use.get(block.subnet) ?? {}
    use.set(block.subnet, { ...ofSubnet, [block.node]: (ofSubnet[block.node] ?? 0) + 1 })
  }
  const members = found.entries.flatMap(({ key, value }) => {
    const [node = '', endpointId = ''] = key.slice(keys.members(networkId).length).split('/')
    const member = readMember(value)
    return member === undefined ? [] : [{ ...member, node, endpointId }]
  })
  const unplugged = blocks.entries.flatMap(({ value }) => readUnplugged(value) ?? [])
  return { members, blocks: use, used: (subnet) => usedOf(subnet, members, unplugged) }
}

function usedOf(
  subnet: string,
  members: WholeNetwork['members'],
  unplugged: readonly UnpluggedAddresses[],
): Record<string, number> {
  const used: Record<string, number> = {}
  const add = (node: string, count: number) => {
    if (count > 0) used[node] = (used[node] ?? 0) + count
  }
  for (const { node, addresses } of members)
    add(node, addresses.filter((address) => isInSubnet(address, subnet)).length)
  for (const { unpluggedOf, addresses } of unplugged) add(unpluggedOf, addresses[subnet] ?? 0)
  return used
}
