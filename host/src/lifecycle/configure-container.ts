// A client defines a container, or replaces its definition while it is not up.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { ContainerConfigBody } from '@conet/sdk/api'
import {
  type Attachment,
  assertConfigurable,
  assertDistinct,
  type ContainerRecord,
  type PlacedAttachment,
  type PolicyDocuments,
} from '../domain/container.ts'
import { attachmentOf, networkAt } from './attachments.ts'
import { removeAll } from './down.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { specifiedAttachments } from './network-specs.ts'
import { RequestFaults } from './request-faults.ts'

/** Nothing changes in the kernel until `up`. Endpoints of attachments that are replaced end. May be repeated. */
export function configureContainer(
  host: HostContext,
  handle: string,
  body: ContainerConfigBody,
  operation: Operation,
): Promise<{ container: ContainerRecord; created: boolean }> {
  return host.queue.run(containerQueue(handle), () => configureNow(host, handle, body, operation))
}

type Origin = Pick<ContainerRecord, 'definedBy'> & {
  /** Where the request has the specs. */
  readonly specsAt?: string
}

/** As `configureContainer`, for callers that are inside the container's queue. */
export async function configureNow(
  host: HostContext,
  handle: string,
  body: ContainerConfigBody,
  operation: Operation,
  { specsAt = 'network_specs', ...origin }: Origin = {},
): Promise<{ container: ContainerRecord; created: boolean }> {
  assertConfigurable(handle, host.inventory.sandboxes.get(handle))
  const { placed, specPolicies } = await wantedBy(host, { handle, body, specsAt }, operation)
  const attachments = placed.map(({ attachment }) => attachment)
  const before = host.inventory.containers.get(handle)
  const kept = policiesOf(before, attachments)
  const configuredAt = new Date().toISOString()
  const container: ContainerRecord = {
    handle,
    labels: body.labels ?? {},
    attachments,
    config: body,
    ...policiesBeside(kept, specPolicies),
    ...origin,
    createdAt: before?.createdAt ?? configuredAt,
    configuredAt,
  }
  failpoint('host:container:before-configured')
  host.inventory.putConfiguration(container)
  failpoint('host:container:configured')
  await endReplaced(host, { before, after: container }, operation)
  const created = before === undefined
  host.events.append({ type: created ? 'container.created' : 'container.configured', container: handle })
  return { container, created }
}

/** Networks that are named, then those that are specified, each in the order of the request. */
async function wantedBy(
  host: HostContext,
  { handle, body, specsAt }: { handle: string; body: ContainerConfigBody; specsAt: string },
  operation: Operation,
): Promise<{ placed: PlacedAttachment[]; specPolicies: PolicyDocuments }> {
  const { attach_to: named, network_specs: specs, ...further } = body
  if (named === undefined && specs === undefined) throw nothingSaid(handle, Object.keys(further))
  const faults = new RequestFaults()
  const attached: PlacedAttachment[] = []
  for (const [index, entry] of (named ?? []).entries()) {
    const placed = configuredAttachment(host, { entry, at: `attach_to[${index}]` }, faults)
    attached.push(...placed)
    for (const one of placed) await faults.ofLater(() => checkOptions(host, one))
  }
  const listed = { specs: specs ?? [], at: specsAt }
  const specified = await faults.ofLater(() => specifiedAttachments(host, listed, operation))
  if (specified === undefined || faults.any) throw faults.error
  const placed = [
    ...attached,
    ...specified.map(({ attachment }, index) => ({ attachment, at: `${specsAt}[${index}]` })),
  ]
  assertDistinct(handle, placed)
  const policies = specified.flatMap(({ attachment: { name }, policy }) => (policy ? [[name, policy]] : []))
  return { placed, specPolicies: Object.fromEntries(policies) }
}

function configuredAttachment(
  host: HostContext,
  { entry, at }: { entry: NonNullable<ContainerConfigBody['attach_to']>[number]; at: string },
  faults: RequestFaults,
): PlacedAttachment[] {
  const request = typeof entry === 'string' ? { network: entry } : entry
  const path = typeof entry === 'string' ? at : `${at}.network`
  const network = faults.of(() => networkAt(host, request.network, path))
  const attachment = attachmentOf(host, { request, network, at: `${at}.` }, faults)
  return attachment === undefined ? [] : [{ attachment, at }]
}

/** By the driver's schema, if it is there: else the plug is the first to know. */
async function checkOptions(host: HostContext, { attachment, at }: PlacedAttachment): Promise<void> {
  const network = host.inventory.networks.get(attachment.networkId)
  const session = network && host.drivers.available(network.type)
  await session?.documents.check('attachment', attachment.options, `${at}.options`)
}

/** A policy that was put is not part of the configuration: it stays with an attachment that stays, in its network. */
function policiesOf(
  before: ContainerRecord | undefined,
  attachments: ContainerRecord['attachments'],
): PolicyDocuments {
  const isSame = (one: Attachment, other: Attachment) =>
    one.name === other.name &&
    (one.networkId === other.networkId || (one.own !== undefined && isDeepStrictEqual(one.own, other.own)))
  const stays = (old: Attachment) => attachments.some((attachment) => isSame(old, attachment))
  const names = new Set(before?.attachments.filter(stays).map(({ name }) => name))
  return Object.fromEntries(Object.entries(before?.policies ?? {}).filter(([name]) => names.has(name)))
}

/** What was said last counts: the spec of a network, over what was put before. */
function policiesBeside(
  put: PolicyDocuments,
  specPolicies: PolicyDocuments,
): Pick<ContainerRecord, 'policies' | 'specPolicies'> {
  const policies = Object.fromEntries(
    Object.entries(put).filter(([name]) => !Object.hasOwn(specPolicies, name)),
  )
  return {
    ...(Object.keys(policies).length > 0 && { policies }),
    ...(Object.keys(specPolicies).length > 0 && { specPolicies }),
  }
}

/** A key that conet does not know is the driver's, so a slip in one of ours is seen only here. */
function nothingSaid(handle: string, further: readonly string[]): ConetError {
  const message = 'is required, unless network_specs is there; [] for a container without networks'
  return new ConetError('invalidArgument', `configure container ${handle}: attach_to ${message}`, {
    fields: [{ path: 'attach_to', message }],
    ...slipIn(further),
  })
}

/** `NetworkSpecs`, `network-spec`: names of other languages, or without the plural. */
function slipIn(keys: readonly string[]): { help?: string } {
  const plain = (key: string) =>
    key
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '')
      .replace(/s$/, '')
  for (const key of keys) {
    const meant = ['attach_to', 'network_specs'].find((name) => plain(name) === plain(key))
    if (meant !== undefined) return { help: `is ${JSON.stringify(key)} meant to be ${meant}?` }
  }
  return {}
}

async function endReplaced(
  host: HostContext,
  { before, after }: { before: ContainerRecord | undefined; after: ContainerRecord },
  operation: Operation,
): Promise<void> {
  const kept = new Set(
    after.attachments
      .filter((attachment) => before?.attachments.some((old) => isDeepStrictEqual(old, attachment)))
      .map(({ name }) => name),
  )
  const endpoints = host.inventory.endpointsOfContainer(after.handle)
  const { failures } = await removeAll(
    host,
    endpoints.filter(({ attachment, state }) => state !== 'deleting' && !kept.has(attachment)),
    operation,
  )
  // They are on record and tried again; the definition itself is in place.
  for (const err of failures)
    host.log.warn({ handle: after.handle, err }, 'a replaced endpoint is not removed yet')
}
