// Networks that all nodes know. A network comes into being in one transaction that holds only if nothing came into being
// since its maker looked: so names, identifiers and subnets are unique in the cluster.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import { keys } from './keys.ts'
import { reader, SharedMember, SharedNetwork } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

export type ProposedNetwork = {
  network: SharedNetwork
  /** It is there already, by the same request. */
  existing?: boolean
}

const readNetwork = reader(SharedNetwork)
const readMember = reader(SharedMember)

/** Containers of one node in a message. */
const mostNamed = 5

/** A node gives back what it has of a network so long after its last endpoint, at most, unless it is away. */
const givingBackMs = 2_000
const askAgainMs = 50

/** Tries that others may come before: each time one of them succeeds. */
const mostTries = 32

/** That this node is registered: what its writes depend on. */
export type Registered = {
  /** Throws while it is not. */
  condition(): Promise<Condition>
  /** A write was refused because the condition did not hold. */
  refused(): void
}

/**
 * Creates a network. `propose` sees all that there are and chooses what is free, or throws; it is called again when others
 * came first. After `clusterUnavailable` it is unknown whether it was created: the same request again tells.
 */
export async function createSharedNetwork(
  store: SharedStore,
  propose: (known: readonly SharedNetwork[]) => ProposedNetwork | Promise<ProposedNetwork>,
  { registered, ...limits }: CallLimits & { registered?: Registered } = {},
): Promise<ProposedNetwork> {
  for (let tries = 0; tries < mostTries; tries++) {
    const { entries, revision } = await store.list(keys.networks, limits)
    const known = entries.map(({ value }) => readNetwork(value)).filter((network) => network !== undefined)
    const proposed = await propose(known)
    if (proposed.existing) return proposed
    const { id } = proposed.network
    const names = namesOf(proposed.network)
    const conditions = registered === undefined ? [] : [await registered.condition()]
    const { committed } = await store.commit(
      [
        { older: keys.networks, than: revision + 1 },
        ...[keys.network(id), ...names].map((key) => ({ absent: key })),
        ...conditions,
      ],
      [
        { put: keys.network(id), value: JSON.stringify(proposed.network) },
        ...names.map((key) => ({ put: key, value: id })),
      ],
      limits,
    )
    if (committed) return proposed
    const { committed: isRegistered } = await store.commit(conditions, [], limits)
    if (!isRegistered) throw notRegistered(proposed.network, registered)
  }
  throw new ConetError('overloaded', 'create a network of the cluster: others came first, each time', {
    help: 'try again in a moment',
  })
}

function notRegistered({ name }: SharedNetwork, registered: Registered | undefined): ConetError {
  registered?.refused()
  const message = `create network ${name}: this node is not registered any more`
  return new ConetError('clusterUnavailable', message, {
    operationState: 'not-started',
    details: { network: name },
    help: 'try again: it registers anew at once; where that fails conet status says why',
  })
}

/**
 * Deletes a network that nobody holds; throws `inUse` with the nodes that do. Waits a moment for nodes that have no endpoints
 * in it any more: they give back their addresses after the last one. May be repeated.
 */
export async function deleteSharedNetwork(
  store: SharedStore,
  network: Pick<SharedNetwork, 'id' | 'name' | 'type' | 'segmentId'>,
  limits: CallLimits = {},
): Promise<void> {
  const { id } = network
  const patience = performance.now() + givingBackMs
  for (;;) {
    if (await deleteUnheld(store, network, limits)) return
    const containers = await containersOf(store, id, limits)
    const isLeft = Object.values(containers).every((handles) => handles.length === 0)
    if (!isLeft || performance.now() > patience) throw heldBy(network, containers)
    await sleep(askAgainMs, undefined, { signal: limits.signal })
  }
}

/** False: a node holds it. */
async function deleteUnheld(
  store: SharedStore,
  network: Pick<SharedNetwork, 'id' | 'name' | 'type' | 'segmentId'>,
  limits: CallLimits,
): Promise<boolean> {
  const { id } = network
  const { committed } = await store.commit(
    [{ present: keys.network(id) }, { empty: keys.holders(id) }],
    [
      { delete: keys.network(id) },
      ...namesOf(network).map((key) => ({ delete: key })),
      { clear: keys.blocks(id) },
      { clear: keys.macs(id) },
      { clear: keys.members(id) },
    ],
    limits,
  )
  // Its name may be another's already.
  return committed || (await store.get(keys.network(id), limits)) === undefined
}

function heldBy(
  { id, name }: Pick<SharedNetwork, 'id' | 'name'>,
  containers: Readonly<Record<string, string[]>>,
): ConetError {
  const words = Object.entries(containers).map(([node, handles]) => `${node} (${some(handles)})`)
  return new ConetError('inUse', `delete network ${name}: it has endpoints on ${words.join(', ')}`, {
    details: { networkId: id, nodes: Object.keys(containers), containers },
    help: 'unplug its containers there: conet net inspect shows them',
  })
}

/** Of each node that holds something of the network: the containers of which it has said so. */
async function containersOf(
  store: SharedStore,
  id: string,
  limits: CallLimits,
): Promise<Record<string, string[]>> {
  const holders = await store.list(keys.holders(id), limits)
  const members = await store.list(keys.members(id), limits)
  const found: Record<string, string[]> = {}
  for (const { key } of holders.entries) found[key.slice(keys.holders(id).length)] = []
  for (const { key, value } of members.entries) {
    const [node = ''] = key.slice(keys.members(id).length).split('/')
    const handle = readMember(value)?.container
    if (handle !== undefined) found[node] = [...(found[node] ?? []), handle].slice(0, mostNamed + 1)
  }
  return found
}

function some(handles: readonly string[]): string {
  if (handles.length === 0) return 'a container that is being plugged, or its addresses'
  const named = handles.slice(0, mostNamed).join(', ')
  return handles.length > mostNamed ? `${named} and more` : named
}

/** What only one network has. */
export function namesOf({
  name,
  type,
  segmentId,
}: Pick<SharedNetwork, 'name' | 'type' | 'segmentId'>): string[] {
  return [keys.name(name), ...(segmentId === undefined ? [] : [keys.segment(type, segmentId)])]
}

/** A free number: those who create at the same time seldom choose the same. */
export function freeSegment(
  { minimum, maximum }: { minimum: number; maximum: number },
  taken: ReadonlySet<number>,
  random: () => number = Math.random,
): number {
  const size = maximum - minimum + 1
  const start = Math.floor(random() * size)
  for (let step = 0; step < Math.min(size, taken.size + 1); step++) {
    const segment = minimum + ((start + step) % size)
    if (!taken.has(segment)) return segment
  }
  throw new ConetError('overloaded', `choose a segment: all from ${minimum} to ${maximum} are in use`, {
    details: { minimum, maximum },
    help: 'delete a network of the cluster that nobody needs: conet net list',
  })
}
