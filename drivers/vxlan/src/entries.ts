// The kernel's side of a directory: forwarding entries of the tunnel and its bridge, neighbours of the bridge.
import {
  deleteForwardingEntry,
  deleteNeighbour,
  type ForwardingEntry,
  type Neighbour,
  type RouteRequest,
  type Rtnl,
  replaceForwardingEntry,
  replaceNeighbour,
} from '@conet/sdk/linux'
import type { Entries, EntriesChange } from './directory.ts'

/** Indexes of a network's links, and the tunnel's own MAC, which is no peer's. */
export type TunnelLinks = {
  readonly tunnel: number
  readonly bridge: number
  readonly ownMac: string | undefined
}

/** Longer batches are worked off in a thread. */
const mostAtOnce = 128

/** Neither half of an entry may stand without the other. */
const halfEntry = 'only half of it'

/** What the kernel does not turn into one of the driver's in place. */
const otherKind = 'another kind of entry'

/** What the kernel has, and how it changes as we change it. */
export type FoundEntries = {
  readonly forwarding: Map<string, string>
  readonly neighbours: Map<string, string>
}

/** Reads what is there. An entry that is not of the driver's making leads to a tunnel end that nobody has. */
export async function readEntries(
  rtnl: Rtnl,
  { tunnel, bridge, ownMac }: TunnelLinks,
): Promise<FoundEntries> {
  const entries = await rtnl.forwardingEntriesSlow({ link: tunnel })
  const known = await rtnl.neighboursSlow({ link: bridge })
  const inBridge = new Map<string, string | undefined>()
  const forwarding = new Map<string, string>()
  // Whatever else is wrong with it, another kind of entry must be deleted first.
  const note = (macAddress: string, what: string) => {
    if (forwarding.get(macAddress) !== otherKind) forwarding.set(macAddress, what)
  }
  for (const entry of entries) {
    const { macAddress, master, destination } = entry
    if (macAddress === ownMac) continue
    if (master !== undefined) inBridge.set(macAddress, kindOf(entry))
    else
      note(macAddress, kindOf(entry) ?? (forwarding.has(macAddress) ? halfEntry : (destination ?? halfEntry)))
  }
  for (const macAddress of forwarding.keys()) if (!inBridge.has(macAddress)) note(macAddress, halfEntry)
  for (const [macAddress, kind] of inBridge)
    if (kind !== undefined || !forwarding.has(macAddress)) note(macAddress, kind ?? halfEntry)
  return { forwarding, neighbours: new Map(known.flatMap(permanentNeighbour)) }
}

/** What keeps an entry from being one of the driver's, wherever it leads. */
function kindOf(entry: ForwardingEntry): string | undefined {
  const { externallyLearned, local, nexthop, outgoing, permanent, port, router, sticky, vni } = entry
  if (externallyLearned || nexthop !== undefined) return otherKind
  const isPlain =
    permanent && !local && !sticky && !router && [outgoing, port, vni].every((it) => it === undefined)
  return isPlain ? undefined : halfEntry
}

function permanentNeighbour({
  address,
  macAddress,
  state,
  externallyLearned,
}: Neighbour): [string, string][] {
  if (state !== 'permanent') return []
  return [[address, externallyLearned ? otherKind : (macAddress ?? '')]]
}

/** What must change for the kernel to have what it should have, and nothing else. */
export function changeBetween(found: Entries, wanted: Entries): EntriesChange {
  return {
    forwarding: mapBetween(found.forwarding, wanted.forwarding),
    neighbours: mapBetween(found.neighbours, wanted.neighbours),
  }
}

/** What the kernel had, and what must change in it. */
export type Look = { readonly found: Entries; readonly change: EntriesChange }

/** In words: of each table how many entries differ, and one of them, for there may be thousands. */
export function faultsIn({ found, change }: Look): string[] {
  return [
    ...faultsOf(['forwarding entry', 'forwarding entries'], found.forwarding, change.forwarding),
    ...faultsOf(['neighbour', 'neighbours'], found.neighbours, change.neighbours),
  ]
}

function faultsOf(
  [one, several]: readonly [string, string],
  found: ReadonlyMap<string, string>,
  change: ReadonlyMap<string, string | undefined>,
): string[] {
  const [first] = change
  if (first === undefined) return []
  const [key, wanted] = first
  const fault = `${key}, ${faultOf(found.get(key), wanted)}`
  if (change.size === 1) return [`1 ${one} not as in the directory: ${fault}`]
  return [`${change.size} ${several} not as in the directory, such as ${fault}`]
}

function faultOf(found: string | undefined, wanted: string | undefined): string {
  if (found === undefined) return `which lacks ${wanted}`
  if (wanted === undefined) return 'which nobody has'
  if (found === halfEntry) return 'of which there is half, or too much'
  return `which has ${found} instead of ${wanted}`
}

/** The part of a change that the kernel does not have yet. */
export function withoutFound(change: EntriesChange, found: Entries): EntriesChange {
  const isNew = (there: ReadonlyMap<string, string>) => (entry: readonly [string, string | undefined]) =>
    there.get(entry[0]) !== entry[1]
  return {
    forwarding: new Map([...change.forwarding].filter(isNew(found.forwarding))),
    neighbours: new Map([...change.neighbours].filter(isNew(found.neighbours))),
  }
}

/** Notes what has been programmed. */
export function note(found: FoundEntries, change: EntriesChange): void {
  noteIn(found.forwarding, change.forwarding)
  noteIn(found.neighbours, change.neighbours)
}

function noteIn(found: Map<string, string>, change: ReadonlyMap<string, string | undefined>): void {
  for (const [key, value] of change) {
    if (value === undefined) found.delete(key)
    else found.set(key, value)
  }
}

/** What is changed, and what the kernel has, as far as that was read. */
export type ProgramTask = { readonly change: EntriesChange; readonly found: Entries | undefined }

/** Makes it so. What is to go and is gone is fine. Throws a KernelError; then part of it may be done. */
export async function program(rtnl: Rtnl, links: TunnelLinks, task: ProgramTask): Promise<void> {
  const requests = [...forwardingRequests(links, task), ...neighbourRequests(links, task.change)]
  const options = { tolerate: ['ENOENT'] }
  if (requests.length > mostAtOnce) await rtnl.batchSlow(requests, options)
  else rtnl.batch(requests, options)
}

function forwardingRequests({ tunnel: link }: TunnelLinks, { change, found }: ProgramTask): RouteRequest[] {
  return [...change.forwarding].flatMap(([macAddress, destination]) => {
    const entry = { link, macAddress }
    // Not in one message: a bridge that knows the MAC at another port would keep the tunnel's entry from going.
    const deletions = () => [
      deleteForwardingEntry({ ...entry, owner: 'master' }),
      deleteForwardingEntry({ ...entry, owner: 'self' }),
    ]
    if (destination === undefined) return deletions()
    const replacement = replaceForwardingEntry({ ...entry, destination, owner: 'both' })
    return found?.forwarding.get(macAddress) === otherKind ? [...deletions(), replacement] : replacement
  })
}

function neighbourRequests({ bridge: link }: TunnelLinks, { neighbours }: EntriesChange): RouteRequest[] {
  return [...neighbours].map(([address, macAddress]) =>
    macAddress === undefined
      ? deleteNeighbour({ link, address })
      : replaceNeighbour({ link, address, macAddress }),
  )
}

function mapBetween(
  found: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): Map<string, string | undefined> {
  const gone = [...found.keys()].filter((key) => !wanted.has(key))
  const differing = [...wanted].filter(([key, value]) => found.get(key) !== value)
  return new Map<string, string | undefined>([
    ...gone.map((key): [string, undefined] => [key, undefined]),
    ...differing,
  ])
}
