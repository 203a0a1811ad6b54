// Which interface an endpoint becomes in its container's sandbox, among the others there.
import type { Attachment, ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord, InterfacePlan } from '../domain/endpoint.ts'
import { isDefaultRoutePromised, namesBeside, placesBefore } from '../domain/interface-order.ts'
import { chooseDefaultRoute, chooseInterfaceName, type Placed } from '../domain/interface-plan.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { endpointInWords } from './attachment-words.ts'
import type { HostContext } from './host-context.ts'
import { about } from './named-field.ts'
import { refuseAmbiguousNetworks } from './subnet-overlap.ts'

type Wish = {
  readonly container: ContainerRecord
  readonly attachment: Attachment
  readonly sandbox?: SandboxRecord | undefined
}

/**
 * Without a sandbox: what it becomes if nothing changes until the container comes up, which decides. Throws `conflict` for
 * what is another's.
 */
export function placeInSandbox(
  host: HostContext,
  wish: Wish,
  network: NetworkRecord,
): Pick<InterfacePlan, 'name' | 'defaultRoute'> {
  const { attachment, container, sandbox } = wish
  const { networks } = host.inventory
  const others = othersOf(host, wish)
  const theirs = others.flatMap(({ networkId }) => networks.get(networkId) ?? [])
  about('network', () => refuseAmbiguousNetworks(network, theirs, container.handle))
  const order = { attachments: container.attachments, networks }
  // What it asks for must be free as things are; what it leaves open follows from the order.
  const present: readonly Placed[] = presentAmong(others, sandbox)
  const before = sandbox === undefined ? placesBefore(attachment, order) : present
  const named = attachment.interface === undefined ? before : present
  return {
    name: chooseInterfaceName(attachment.interface, named, {
      foreign: sandbox?.foreignInterfaces ?? [],
      ...namesBeside(attachment, order, named),
    }),
    defaultRoute: chooseDefaultRoute(attachment.defaultRoute, network, {
      endpoints: attachment.defaultRoute === undefined ? before : present,
      isPromised: isDefaultRoutePromised(attachment, order),
      nameOf: ({ id }) => nameOf(host, id),
    }),
  }
}

function nameOf(host: HostContext, id: string): string {
  const endpoint = host.inventory.endpoints.get(id)
  return endpoint === undefined ? `endpoint ${id}` : endpointInWords(host, endpoint)
}

/** What was made before the container came up takes nothing there until its own turn. */
function othersOf({ inventory }: HostContext, { container, sandbox }: Wish): EndpointRecord[] {
  const endpoints = inventory.endpointsOfContainer(container.handle)
  return sandbox === undefined ? endpoints : endpoints.filter(({ state }) => state !== 'created')
}

/** What is still to be removed from a sandbox that was let go takes no name in this one. */
function presentAmong(
  others: readonly EndpointRecord[],
  sandbox: SandboxRecord | undefined,
): EndpointRecord[] {
  return others.filter(
    ({ state, hold }) => state !== 'deleting' || (hold !== undefined && hold === sandbox?.hold),
  )
}
