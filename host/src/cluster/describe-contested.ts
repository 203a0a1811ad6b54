// What this node and another one both use since the store has lost it, in words for people.

import type { ForeignAddress } from './foreign-use.ts'
import type { NetworkGrid } from './network-grid.ts'
import { endpointOf, nodeOf } from './network-peers.ts'
import type { SharedMember } from './records.ts'

export type Contested = {
  /** The network's name. */
  readonly network: string
  readonly node: string
  readonly grid: NetworkGrid
  /** Those of endpoints here. */
  readonly addresses: readonly string[]
  /** Addresses of others in blocks of this node. */
  readonly foreign: Iterable<ForeignAddress>
  /** MACs of endpoints here, and the nodes that have them now. */
  readonly lostMacs: Iterable<readonly [mac: string, node: string]>
  /** The node that has a block. */
  ownerOf(block: string): string | undefined
  /** What is said of endpoints, by key. */
  readonly members: ReadonlyMap<string, SharedMember>
}

export function describeContested(contested: Contested): string[] {
  const { network, addresses, foreign } = contested
  const own = new Set(addresses)
  const met = [...foreign].map(({ address, node, container }) => {
    const both = own.has(address) ? ', and one of this host’s too' : ''
    return `${address} of network ${network}, in a block of this host’s: container ${container} on node ${node} has it${both}`
  })
  return [...met, ...describeLost(contested), ...describeLostMacs(contested)]
}

function* describeLostMacs({ network, node, lostMacs, members }: Contested): Generator<string, void> {
  for (const [mac, owner] of lostMacs) {
    const users = [...members].flatMap(([key, { container, macAddress }]) =>
      nodeOf(key) === node && macAddress === mac
        ? [`${container} has it (endpoint ${endpointOf(key).slice(0, 12)})`]
        : [],
    )
    const named = users.length === 0 ? 'a container of this host has it' : users.join(', ')
    yield `MAC ${mac} of network ${network}: it is node ${owner}’s now, and here ${named}`
  }
}

/** Blocks of others in which endpoints here have addresses. */
function* describeLost({
  network,
  node,
  grid,
  addresses,
  ownerOf,
  members,
}: Contested): Generator<string, void> {
  for (const { block } of grid.blocksOf(addresses)) {
    const owner = ownerOf(block)
    if (owner === undefined || owner === node) continue
    const users = [...members].flatMap(([key, { container, addresses: its }]) => {
      const used = its.find((address) => grid.blockOf(address)?.block === block)
      if (nodeOf(key) !== node || used === undefined) return []
      return [`${container} has ${used} (endpoint ${endpointOf(key).slice(0, 12)})`]
    })
    const named = users.length === 0 ? 'containers of this host have addresses of it' : users.join(', ')
    yield `block ${block} of network ${network}: it is node ${owner}’s now, and here ${named}`
  }
}
