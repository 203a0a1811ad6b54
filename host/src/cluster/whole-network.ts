// A network as all nodes together have it.
import { keys } from './keys.ts'
import { reader, SharedBlock, SharedMember } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type WholeNetwork = {
  readonly members: readonly (SharedMember & { readonly node: string; readonly endpointId: string })[]
  /** By subnet: of each node, how many blocks it has. */
  readonly blocks: ReadonlyMap<string, Readonly<Record<string, number>>>
}

const readMember = reader(SharedMember)
const readBlock = reader(SharedBlock)

export async function readWholeNetwork(
  store: SharedStore,
  networkId: string,
  limits: CallLimits = {},
): Promise<WholeNetwork> {
  const [members, blocks] = await Promise.all([
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
  return {
    members: members.entries.flatMap(({ key, value }) => {
      const [node = '', endpointId = ''] = key.slice(keys.members(networkId).length).split('/')
      const member = readMember(value)
      return member === undefined ? [] : [{ ...member, node, endpointId }]
    }),
    blocks: use,
  }
}
