// What a key of the shared store is to a person: messages name the network, the address or the node, never the key.
import { root } from './keys.ts'

type Words = (id: string, second: string | undefined, third: string | undefined) => string

const networkOf = (id: string) => `network ${id.slice(0, 12)}`

/** Of a record, by the first part of its key. A later part is there only where the key has it. */
const ofRecords: Readonly<Record<string, Words>> = {
  generation: () => 'the name of the store',
  loss: () => 'what the store has lost',
  awaiting: () => 'who is awaited after a loss',
  progress: () => 'how far a node has come',
  networks: networkOf,
  names: (name) => `network ${name}`,
  segments: (type, number) => `number ${number} of ${type} networks`,
  nodes: (node) => `node ${node}`,
  alive: (node) => `whether node ${node} lives`,
  removed: () => 'whether a node was removed',
  holders: (id, node) =>
    node === undefined ? `who uses ${networkOf(id)}` : `whether node ${node} uses ${networkOf(id)}`,
  held: (node) => `which networks node ${node} uses`,
  blocks: (id, block, node) => ofBlocks(networkOf(id), block, node),
  macs: (id, mac) => `${mac === undefined ? 'the MACs' : `MAC ${mac}`} of ${networkOf(id)}`,
  members: (id, node) => `the endpoints of ${node === undefined ? '' : `node ${node} in `}${networkOf(id)}`,
}

/** Of all there are of a kind. */
const ofKinds: Readonly<Record<string, string>> = {
  networks: 'the networks of the cluster',
  nodes: 'the nodes of the cluster',
  alive: 'which nodes live',
  removed: 'which nodes were removed',
  held: 'who uses which networks',
  progress: 'how far the nodes have come',
}

/** A key, or the prefix of some. Follows a verb. */
export function wordsOfKey(key: string): string {
  const [kind = '', id, second, third] = key
    .slice(root.length)
    .split('/')
    .map((part) => part || undefined)
  if (id === undefined && kind in ofKinds) return ofKinds[kind] ?? ''
  return ofRecords[kind]?.(id ?? '', second, third) ?? 'what the cluster has'
}

function ofBlocks(network: string, block: string | undefined, node: string | undefined): string {
  if (block === undefined) return `the blocks of addresses of ${network}`
  if (block === 'wanted') return `which addresses of ${network} node ${node} needs`
  if (block === 'unplugged') return `how many addresses of ${network} node ${node} uses`
  return `the block of address ${block} of ${network}`
}
