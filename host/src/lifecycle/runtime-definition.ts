// What a container is attached to that starts: what its client configured beforehand or, for one that nobody
// configured, what the runtime says, or conetd's default attachment.
import { ConetError } from '@conet/sdk'
import type { ContainerConfigBody, CreateNetworkBody, UpBody } from '@conet/sdk/api'
import { type ContainerRecord, primaryOf } from '../domain/container.ts'
import { netOutRule, portRequest } from '../domain/garden-policy.ts'
import { withAdditions } from '../domain/policy.ts'
import { withoutRuntimeWord, withProperties } from '../domain/runtime-word.ts'
import { shellWord } from '../domain/shell-word.ts'
import { mayBeCreated } from '../domain/unknown-container.ts'
import { configureNow } from './configure-container.ts'
import { requireContainer } from './containers.ts'
import { createNetwork } from './create-network.ts'
import type { HostContext, Operation } from './host-context.ts'
import { isSpecs, specsOfProperties, specsPath } from './specs-property.ts'

/** The network of containers that nobody configured: made when the first of them starts, unless it is there. */
export type DefaultAttachment = CreateNetworkBody & { name: string }

/**
 * The container's record for this `up`, on record when this returns; `forgetDefinition` takes it back. Throws
 * `notFound` for one that nobody configured, `conflict` for one that two did.
 */
export async function defineForUp(
  host: HostContext,
  handle: string,
  body: UpBody,
  operation: Operation,
): Promise<ContainerRecord> {
  const told = toldBy(body)
  const configured = host.inventory.containers.get(handle)
  if (configured !== undefined && told !== undefined) throw definedTwice(handle, body)
  const definition = told ?? (configured === undefined ? await defaultOf(host, operation) : undefined)
  if (definition !== undefined)
    await configureNow(host, handle, definition, operation, { definedBy: 'runtime', ...specsPlace(body) })
  const before = requireContainer(host, handle)
  const container = withRules(withKeptProperties(withoutRuntimeWord(before), body), body)
  if (container !== before) host.inventory.putConfiguration(container)
  return container
}

/** Throws `notFound` where nobody says what the container is attached to. */
export function assertDefined(host: HostContext, handle: string, body: UpBody): void {
  const isTold = body.attach_to !== undefined || body.network_specs !== undefined
  const isKnown = isTold || isSpecs(body.properties?.specs) || host.defaultAttachment !== undefined
  if (!isKnown && !host.inventory.containers.has(handle)) throw definedByNobody(handle)
}

function definedByNobody(handle: string): ConetError {
  const message = `up: no container has the handle ${handle}, and nobody says what it is attached to`
  const bySaying =
    'let the runtime say it, in Garden’s property network.specs or the annotation dev.conet.networks of an OCI bundle; or set default_attachment in conetd’s configuration'
  return new ConetError('notFound', message, {
    details: { handle },
    help: mayBeCreated(handle)
      ? `define it first: conet container create ${handle} --network NETWORK\nor ${bySaying}`
      : bySaying,
  })
}

/** The container is what it was before: as a client configured it, or unknown. */
export function forgetDefinition(
  host: HostContext,
  handle: string,
  before: ContainerRecord | undefined,
): void {
  const now = host.inventory.containers.get(handle)
  if (now === before) return
  if (before === undefined) {
    host.inventory.deleteContainer(handle)
    host.events.append({ type: 'container.removed', container: handle })
  } else host.inventory.putConfiguration(before)
}

/** Undefined: the runtime says nothing of it. */
function toldBy({
  attach_to: named,
  network_specs,
  properties = {},
}: UpBody): ContainerConfigBody | undefined {
  const specs = network_specs ?? specsOfProperties(properties.specs)
  if (named === undefined && specs === undefined) return undefined
  return { ...(named && { attach_to: named }), ...(specs && { network_specs: [...specs] }) }
}

/** Nothing where they are in `network_specs`. */
function specsPlace({ network_specs: specs }: UpBody): { specsAt?: string } {
  return specs === undefined ? { specsAt: specsPath } : {}
}

function definedTwice(handle: string, body: UpBody): ConetError {
  const message = 'is said twice: by the runtime, and by a client’s configuration of the container'
  return new ConetError('conflict', `up ${handle}: what it is attached to ${message}`, {
    fields: [{ path: body.attach_to ? 'attach_to' : (specsPlace(body).specsAt ?? 'network_specs'), message }],
    help: `keep one of the two; the configuration goes with: conet container rm ${shellWord(handle)}`,
  })
}

/** An operator's network of that name is taken as it is. Undefined: there is no default. */
async function defaultOf(host: HostContext, operation: Operation): Promise<ContainerConfigBody | undefined> {
  const { defaultAttachment: wanted } = host
  if (wanted === undefined) return undefined
  const made = [...host.inventory.networks.values()].find(({ name }) => name === wanted.name)
  if (made?.state !== 'active' || made.type !== wanted.type) {
    const { requestKey: _ofTheWhole, ...rest } = operation
    await createNetwork(host, wanted, rest)
  }
  return { attach_to: [wanted.name] }
}

/** All but the specs, which are attachments. */
function withKeptProperties(container: ContainerRecord, { properties = {} }: UpBody): ContainerRecord {
  const { specs: _specs, ...kept } = properties
  return Object.keys(kept).length === 0 ? container : withProperties(container, kept)
}

/** Garden's ports and rules stand behind the policy of the primary network, for this life of the container. */
function withRules(
  container: ContainerRecord,
  { netin = [], netout_rules: rules = [] }: UpBody,
): ContainerRecord {
  if (netin.length === 0 && rules.length === 0) return container
  const primary = primaryOf(container.attachments)
  if (primary === undefined) {
    throw new ConetError(
      'invalidArgument',
      `up ${container.handle}: it has no network for its ports and rules`,
      { fields: [{ path: netin.length > 0 ? 'netin' : 'netout_rules', message: 'needs a network' }] },
    )
  }
  const told = { net_in: netin.map(portRequest), net_out: rules.map(netOutRule) }
  return withAdditions(container, primary.name, told)
}
