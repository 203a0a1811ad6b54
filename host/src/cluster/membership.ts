// This node's place in the cluster. Its record carries the machine's identity, and its revision is what every write of the
// node depends on: once an operator has removed the node, nothing that it writes is taken any more.
import { ConetError } from '@conet/sdk'
import { keys } from './keys.ts'
import { reader, SharedNode } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

export type Registration = {
  /** To be among the conditions of all that this node writes. */
  readonly condition: Condition
}

/** `obeyed`: the word of a removal, after which the node has let go of all. Refused where the store has another one. */
export type RegisterLimits = CallLimits & { readonly obeyed?: string | undefined }

const readNode = reader(SharedNode)

/**
 * Registers the node, or finds it registered. Throws `conflict` when another machine has the name. May be repeated: each
 * time with a new condition, and earlier ones hold no more.
 */
export async function register(
  store: SharedStore,
  node: SharedNode,
  { obeyed, ...limits }: RegisterLimits = {},
): Promise<Registration> {
  const key = keys.node(node.name)
  const found = await store.get(key, limits)
  const known = found === undefined ? undefined : readNode(found.value)
  if (known !== undefined && known.identity !== node.identity) throw taken(node, known)
  const mark = keys.removed(node.identity)
  const { committed, revision } = await store.commit(
    [
      found === undefined ? { absent: key } : { unchanged: key, since: found.revision },
      obeyed === undefined ? { absent: mark } : { is: mark, value: obeyed },
    ],
    [{ put: key, value: JSON.stringify(node) }, { delete: mark }],
    limits,
  )
  if (!committed) throw await changed(store, node, { obeyed, ...limits })
  return { condition: { unchanged: key, since: revision } }
}

async function changed(
  store: SharedStore,
  node: SharedNode,
  { obeyed, ...limits }: RegisterLimits,
): Promise<Error> {
  const mark = await store.get(keys.removed(node.identity), limits)
  return mark?.value === obeyed
    ? taken(node, undefined)
    : new ConetError(
        'clusterUnavailable',
        `join the cluster as ${node.name}: it was removed in this moment`,
        {
          details: { node: node.name, identity: node.identity },
          help: 'nothing: it lets go of what it had, and joins anew at once',
        },
      )
}

function taken({ name, identity }: SharedNode, other: SharedNode | undefined): ConetError {
  const where =
    other === undefined ? 'another machine, in this moment' : `the machine at ${other.underlayAddress}`
  return new ConetError('conflict', `join the cluster as ${name}: ${where} has this name`, {
    details: { node: name, identity, ...(other && { other: other.identity }) },
    help: `choose another --node, or, if that machine is gone for good: conet node rm ${name} --fenced`,
  })
}
