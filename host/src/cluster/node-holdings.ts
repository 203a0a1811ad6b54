// That a node has something of a network: written together with what it has, and the last that goes.
import { keys } from './keys.ts'
import type { SharedChange } from './shared-store.ts'

export function holding(networkId: string, node: string): SharedChange[] {
  return [
    { put: keys.holder(networkId, node), value: '' },
    { put: keys.held(node, networkId), value: '' },
  ]
}

/** With the blocks given back and the endpoints gone. */
export function lettingGo(networkId: string, node: string, blocks: readonly string[]): SharedChange[] {
  return [
    { clear: keys.membersOf(networkId, node) },
    { clear: keys.wishesOf(networkId, node) },
    { delete: keys.unplugged(networkId, node) },
    ...blocks.map((block) => ({ delete: keys.block(networkId, block) })),
    { delete: keys.holder(networkId, node) },
    { delete: keys.held(node, networkId) },
  ]
}
