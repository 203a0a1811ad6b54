// The ports that a policy asks for: looked at before anything changes, taken in the same step of the event loop in which
// the endpoint comes on record.
import { ConetError, type PortMapping } from '@conet/sdk'
import type { ContainerRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { furtherPortCount, type PolicyDocument } from '../domain/policy.ts'
import { type ListeningPort, type PortWish, portWishesOf, withCalls } from '../ports/index.ts'
import type { DriverSession } from './driver-access.ts'
import type { HostContext } from './host-context.ts'

/** Where the pool's turn is on record, among those of subnets. */
export const portCursor = 'ports'

export type WantedPorts = {
  readonly wishes: readonly PortWish[]
  /** The wishes of the policy that the endpoint has. */
  readonly former: readonly PortWish[]
  readonly listening: readonly ListeningPort[]
  readonly at: string
}

/** Throws `invalidArgument` for ports that nobody can ever have: wishes that are none, a port twice, any of an internal network. */
export function checkPorts(
  { driver }: DriverSession,
  { policy, at, isInternal }: { policy: PolicyDocument; at: string; isInternal: boolean },
): void {
  const { ports } = driver.capabilities
  if (ports === undefined) return
  const wishes = portWishesOf(policy, ports.policyMember, at)
  if (!isInternal || wishes.length === 0) return
  const path = `${at}.${ports.policyMember}[0]`
  const message = 'the network is internal: nothing outside reaches its members'
  throw new ConetError('invalidArgument', `${path}: ${message}`, { fields: [{ path, message }] })
}

type Wanted = {
  readonly policy: PolicyDocument | undefined
  /** The policy that the endpoint has. */
  readonly former?: PolicyDocument | undefined
  /** How many ports at the end of each are those of calls. */
  readonly calls: { readonly now: number; readonly before: number }
  readonly at: string
}

/** Undefined where the driver's policies ask for no ports. Throws `invalidArgument` for wishes that are none. */
export async function wantedPorts(
  host: HostContext,
  { driver }: DriverSession,
  { policy, former, calls, at }: Wanted,
): Promise<WantedPorts | undefined> {
  const { ports } = driver.capabilities
  if (ports === undefined || (policy === undefined && former === undefined)) return undefined
  const { policyMember: member } = ports
  const wishes = policy === undefined ? [] : portWishesOf(policy, member, at)
  const protocols = new Set(wishes.map(({ protocol }) => protocol))
  const listening = wishes.length === 0 ? [] : await host.listening.read(protocols)
  const formerWishes = former === undefined ? [] : portWishesOf(former, member, at)
  // Garden's ports are in this member, whatever others a driver knows.
  const { now, before } = member === 'net_in' ? calls : { now: 0, before: 0 }
  return {
    wishes: withCalls(wishes, now),
    former: withCalls(formerWishes, before),
    listening,
    at: `${at}.${member}`,
  }
}

/** For `wantedPorts`. `before`: as the container was when its endpoint got what it has. */
export function callsOf(
  container: ContainerRecord | undefined,
  attachment: string,
  before = container,
): Wanted['calls'] {
  const countIn = (one: ContainerRecord | undefined) =>
    one === undefined ? 0 : furtherPortCount(one, attachment)
  return { now: countIn(container), before: countIn(before) }
}

/**
 * Held beside what the endpoint has, until `host.ports.keepOnly`. `changed`: what endpoints of the same change will have, by
 * id. Throws `portInUse`, `portsExhausted`.
 */
export function takePorts(
  { ports }: HostContext,
  { id: holder, portMappings = [] }: Pick<EndpointRecord, 'id' | 'portMappings'>,
  wanted: WantedPorts | undefined,
  changed?: ReadonlyMap<string, readonly PortMapping[]>,
): PortMapping[] | undefined {
  if (wanted === undefined || wanted.wishes.length === 0) return undefined
  const { wishes, listening, at } = wanted
  return ports.assign({
    holder,
    wishes,
    listening,
    at,
    ...(changed && { changed }),
    former: { wishes: wanted.former, mappings: portMappings },
  })
}

/** The ports on the record of the endpoint are its, and no other. */
export function keepPortsOf(
  { ports }: HostContext,
  { id, portMappings = [], diverged }: EndpointRecord,
): void {
  ports.keepOnly(id, [...portMappings, ...(diverged?.portMappings ?? [])])
}
