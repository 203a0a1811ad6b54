// A node that does not come back: how an operator says so, and how what it had comes to others. His word outlives a store
// that has lost it.
import { ConetError } from '@conet/sdk'
import type { RegisteredLimits } from './claim-transaction.ts'
import { keys } from './keys.ts'
import { claimedMacs } from './mac-claims.ts'
import { blocksOf } from './node-directory.ts'
import { lettingGo } from './node-holdings.ts'
import { type RemovalMark, reader, SharedNode } from './records.ts'
import type { CallLimits, Condition, SharedChange, SharedStore } from './shared-store.ts'

const readNode = reader(SharedNode)
const mostTries = 8
/** Below what etcd takes in one transaction. */
const atOnce = 100

/**
 * Notes that the node is not to come back; what it has stays its own, since it may still use it. It is in service again
 * when it comes back. Throws `notFound`, and `failedPrecondition` for one that lives. May be repeated.
 */
export async function quarantineNode(
  store: SharedStore,
  name: string,
  limits: CallLimits = {},
): Promise<void> {
  const { node, revision } = await findDead(store, name, limits)
  if (node === undefined) throw unknownNode(name)
  const value = JSON.stringify({ ...node, quarantinedAt: node.quarantinedAt ?? new Date().toISOString() })
  const key = keys.node(name)
  const { committed } = await store.commit(
    [{ unchanged: key, since: revision }],
    [{ put: key, value }],
    limits,
  )
  if (!committed) throw isBack(name)
}

/**
 * Removes the node, and frees all that it has: somebody has given his word that it cannot come back by itself. If it does
 * it finds out, and begins anew. Throws as `quarantineNode`. May be repeated, and goes on where it was cut off.
 */
export async function removeFencedNode(
  store: SharedStore,
  name: string,
  limits: CallLimits = {},
): Promise<void> {
  const { node, revision } = await findDead(store, name, limits)
  const networkIds = await networksOf(store, name, limits)
  if (node === undefined && networkIds.length === 0) throw unknownNode(name)
  if (node !== undefined) {
    // First, so that nothing that it writes is taken any more.
    const { committed } = await store.commit(
      [{ unchanged: keys.node(name), since: revision }],
      [{ delete: keys.node(name) }, markOf(node)],
      limits,
    )
    if (!committed) throw isBack(name)
  }
  await clearAll(store, { name, networkIds }, limits)
}

/**
 * The same of a machine of which an operator has said so before, and the store does not know it, or has it again. Nothing
 * happens to one that has come back since. May be repeated.
 */
export async function removeAgain(
  store: SharedStore,
  { identity, mark }: { identity: string; mark: RemovalMark },
  { condition, ...limits }: RegisteredLimits,
): Promise<void> {
  const { name } = mark
  const key = keys.node(name)
  const word = { put: keys.removed(identity), value: JSON.stringify(mark) }
  for (let tries = 0; tries < mostTries; tries++) {
    const found = await store.get(key, limits)
    const node = found && readNode(found.value)
    const isSame = node?.identity === identity
    if (isSame && !isEnded(node, mark)) return
    const unchanged: Condition =
      found === undefined ? { absent: key } : { unchanged: key, since: found.revision }
    const { committed } = await store.commit(
      [condition, unchanged, ...(isSame ? [] : [{ absent: word.put }])],
      [...(isSame ? [{ delete: key }] : []), word],
      limits,
    )
    const isSaid = committed || (!isSame && (await store.get(word.put, limits)) !== undefined)
    // What it has put back itself goes before anybody else puts something back, also where another host has said so.
    if (isSaid && (isSame || found === undefined)) await clearRemoved(store, name, limits)
    if (isSaid) return
  }
  throw new ConetError(
    'clusterUnavailable',
    `remove node ${name} again: others have changed its record ${mostTries} times meanwhile`,
    {
      details: { node: name, identity },
      help: `nothing: it is tried again; conet node inspect ${name} shows it`,
    },
  )
}

/** Whether what was ended by the removal is that registration, and no later one. */
export function isEnded({ registeredAt = '' }: SharedNode, mark: RemovalMark): boolean {
  return registeredAt <= (mark.registeredAt ?? '')
}

/** All that is left of a node whose record is gone; nothing happens when somebody has its name. May be repeated. */
export async function clearRemoved(store: SharedStore, name: string, limits: CallLimits): Promise<void> {
  try {
    await clearAll(store, { name, networkIds: await networksOf(store, name, limits) }, limits)
  } catch (error) {
    if (!ConetError.is(error, 'conflict')) throw error
  }
}

function markOf({ identity, name, registeredAt }: SharedNode): SharedChange {
  const mark: RemovalMark = {
    removedAt: new Date().toISOString(),
    name,
    ...(registeredAt !== undefined && { registeredAt }),
  }
  return { put: keys.removed(identity), value: JSON.stringify(mark) }
}

async function networksOf(store: SharedStore, name: string, limits: CallLimits): Promise<string[]> {
  const { entries } = await store.list(keys.heldBy(name), limits)
  return entries.map(({ key }) => key.slice(keys.heldBy(name).length))
}

async function clearAll(
  store: SharedStore,
  { name, networkIds }: { name: string; networkIds: readonly string[] },
  limits: CallLimits,
): Promise<void> {
  for (const [networkId, blocks] of await blocksOf(store, { node: name, networkIds }, limits))
    await clear(store, { name, networkId, blocks }, limits)
}

async function clear(
  store: SharedStore,
  { name, networkId, blocks }: { name: string; networkId: string; blocks: readonly string[] },
  limits: CallLimits,
): Promise<void> {
  // Another machine may have taken the name since: what is there is its own then.
  const nobody = { absent: keys.node(name) }
  const macs = await claimedMacs(store, { networkId, node: name }, limits)
  const owned = [
    ...macs.map((mac) => keys.mac(networkId, mac)),
    ...blocks.slice(atOnce).map((block) => keys.block(networkId, block)),
  ]
  for (let from = 0; from < owned.length; from += atOnce) {
    const some = owned.slice(from, from + atOnce).map((key) => ({ delete: key }))
    const { committed } = await store.commit([nobody], some, limits)
    if (!committed) throw isBack(name)
  }
  const rest = lettingGo(networkId, name, blocks.slice(0, atOnce))
  const { committed } = await store.commit([nobody], rest, limits)
  if (!committed) throw isBack(name)
}

async function findDead(
  store: SharedStore,
  name: string,
  limits: CallLimits,
): Promise<{ node: SharedNode | undefined; revision: number }> {
  const found = await store.get(keys.node(name), limits)
  if ((await store.get(keys.aliveNode(name), limits)) !== undefined) {
    throw new ConetError('failedPrecondition', `remove node ${name}: it is alive`, {
      details: { node: name },
      help: 'end its conetd first; a machine that does not answer any more is away ten to fifteen seconds later',
    })
  }
  return { node: found && readNode(found.value), revision: found?.revision ?? 0 }
}

function unknownNode(name: string): ConetError {
  return new ConetError('notFound', `the cluster has no node ${name}`, {
    details: { node: name },
    help: 'conet node list shows them',
  })
}

function isBack(name: string): ConetError {
  return new ConetError('conflict', `remove node ${name}: it is back in this moment`, {
    details: { node: name },
    help: `look at it first: conet node inspect ${name}; to remove it all the same, end its conetd`,
  })
}
