// Which interface each of a container's attachments becomes follows from their order, whenever they are plugged before it
// comes up.
import type { Attachment } from './container.ts'
import { chooseInterfaceName, type Placed } from './interface-plan.ts'
import { hasWayOut, type NetworkRecord, shareInterface } from './network.ts'

type Wish = Pick<Attachment, 'name' | 'networkId' | 'interface' | 'defaultRoute' | 'primary' | 'own'>

type Order = {
  readonly attachments: readonly Wish[]
  readonly networks: ReadonlyMap<string, NetworkRecord>
}

/** Of the others behind the same interface the name that one has, or asks for; of those apart what they ask for. */
export function namesBeside(
  { name, networkId }: Wish,
  { attachments, networks }: Order,
  placed: readonly Placed[],
): { shared: string | undefined; askedBeside: string | undefined; promised: string[] } {
  const network = networks.get(networkId)
  const isBeside = (other: { networkId: string }) =>
    network !== undefined && shareInterface(network, networks.get(other.networkId))
  const others = attachments.filter((other) => other.name !== name)
  const asking = others.find((other) => other.interface !== undefined && isBeside(other))
  return {
    shared: placed.find(isBeside)?.interface.name,
    askedBeside: asking?.interface,
    promised: others.flatMap((other) => other.interface ?? []),
  }
}

/** To another attachment of the container, by a word of its client. */
export function isDefaultRoutePromised({ name, primary }: Wish, { attachments, networks }: Order): boolean {
  const others = attachments.filter((other) => other.name !== name && other.defaultRoute !== false)
  if (others.some(({ defaultRoute }) => defaultRoute === true)) return true
  return primary !== true && others.some((other) => other.primary === true && leadsOut(other, networks))
}

/** What those before it in the list become when the container comes up, with or without an endpoint now. */
export function placesBefore(wish: Wish, order: Order): Placed[] {
  const placed: Placed[] = []
  for (const other of order.attachments) {
    if (other.name === wish.name) break
    const isThere = order.networks.has(other.networkId) || other.own !== undefined
    if (isThere)
      placed.push({ id: other.name, networkId: other.networkId, interface: placeOf(other, order, placed) })
  }
  return placed
}

/** What it becomes when the container comes up, as things are; what others have put into its sandbox is known only then. */
export function placeAtUp(wish: Wish, order: Order): Placed['interface'] {
  return placeOf(wish, order, placesBefore(wish, order))
}

/** What cannot be had is refused in its own turn. */
function placeOf(wish: Wish, order: Order, placed: readonly Placed[]): Placed['interface'] {
  const beside = { foreign: [], ...namesBeside(wish, order, placed) }
  const isFree = !placed.some((other) => other.interface.defaultRoute) && !isDefaultRoutePromised(wish, order)
  return {
    name: wish.interface ?? chooseInterfaceName(undefined, placed, beside),
    defaultRoute: wish.defaultRoute ?? (isFree && leadsOut(wish, order.networks)),
  }
}

/** A network of the container's own is made when it comes up. */
function leadsOut({ networkId, own }: Wish, networks: Order['networks']): boolean {
  const network = networks.get(networkId)
  return network === undefined ? own !== undefined : hasWayOut(network)
}
