import { wordsOfKey } from '@conet/host/cluster/key-words'
import { keys, root } from '@conet/host/cluster/keys'
import { expect, it } from 'vitest'

const id = `3f2a${'0'.repeat(60)}`
const network = 'network 3f2a00000000'

it.each([
  [keys.networks, 'the networks of the cluster'],
  [keys.network(id), network],
  [keys.name('blue'), 'network blue'],
  [keys.segment('vxlan', 4096), 'number 4096 of vxlan networks'],
  [keys.nodes, 'the nodes of the cluster'],
  [keys.node('one'), 'node one'],
  [keys.alive, 'which nodes live'],
  [keys.aliveNode('one'), 'whether node one lives'],
  [keys.holders(id), `who uses ${network}`],
  [keys.holder(id, 'one'), `whether node one uses ${network}`],
  [keys.holdings, 'who uses which networks'],
  [keys.heldBy('one'), 'which networks node one uses'],
  [keys.held('one', id), 'which networks node one uses'],
  [keys.blocks(id), `the blocks of addresses of ${network}`],
  [keys.block(id, '10.7.0.8'), `the block of address 10.7.0.8 of ${network}`],
  [keys.wish(id, 'one', '10.7.0.0/24'), `which addresses of ${network} node one needs`],
  [keys.unplugged(id, 'one'), `how many addresses of ${network} node one uses`],
  [keys.macs(id), `the MACs of ${network}`],
  [keys.mac(id, '02:00:00:00:00:01'), `MAC 02:00:00:00:00:01 of ${network}`],
  [keys.members(id), `the endpoints of ${network}`],
  [keys.membersOf(id, 'one'), `the endpoints of node one in ${network}`],
  [keys.member(id, 'one', 'e'), `the endpoints of node one in ${network}`],
])('%s is %s', (key, words) => {
  expect(wordsOfKey(key)).toBe(words)
})

it.each([
  keys.generation,
  keys.loss,
  keys.awaiting,
  keys.progress('machine'),
  keys.allProgress,
  keys.removed('machine'),
  keys.allRemoved,
  `${root}unheard/of`,
  root,
])('%s is named without its key', (key) => {
  expect(wordsOfKey(key)).toMatch(/^[a-z ]+$/)
})
