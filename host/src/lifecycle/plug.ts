// Plug: one more attachment on a container, running or not.
import { ConetError } from '@conet/sdk'
import type { PlugBody } from '@conet/sdk/api'
import {
  type Attachment,
  type Claimant,
  type ContainerRecord,
  type SandboxRecord,
  stateOf,
  takenClaims,
} from '../domain/container.ts'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import { attachmentInWords } from './attachment-words.ts'
import { attachmentOf, freeAttachmentName, networkAt } from './attachments.ts'
import { requireContainer } from './containers.ts'
import type { HostContext, Operation } from './host-context.ts'
import { intendEndpoint } from './intend-endpoint.ts'
import { containerQueue } from './keys.ts'
import { namingLost } from './lost-sandboxes.ts'
import { createAndPlug, createEndpoint } from './make-endpoint.ts'
import { namingPolicy } from './policy-refusal.ts'
import { awaitPublication } from './publication.ts'
import { buryWithAttachment, postpone, removeEndpoint } from './remove-endpoint.ts'
import { RequestFaults } from './request-faults.ts'
import { writeResolverFilesAhead } from './resolution.ts'

/**
 * Plugs the container into the network. When it fails nothing is left, or what is left is on record and being
 * removed. Without a request key not idempotent: a container may have several endpoints in one network.
 */
export function plug(
  host: HostContext,
  handle: string,
  body: PlugBody,
  operation: Operation,
): Promise<EndpointRecord> {
  return host.queue.run(containerQueue(handle), () => plugNow(host, handle, body, operation))
}

async function plugNow(
  host: HostContext,
  handle: string,
  body: PlugBody,
  operation: Operation,
): Promise<EndpointRecord> {
  const container = requireContainer(host, handle)
  const made = madeBefore(host, handle, operation)
  if (made !== undefined) return made
  const attachment = newAttachment(host, container, body)
  const changed = { ...container, attachments: [...container.attachments, attachment] }
  return namingPolicy(host, { container: changed, attachment }, () =>
    makeAttached(host, { container: changed, attachment }, operation),
  )
}

async function makeAttached(
  host: HostContext,
  { container, attachment }: { container: ContainerRecord; attachment: Attachment },
  operation: Operation,
): Promise<EndpointRecord> {
  const { handle } = container
  const sandbox = runningSandbox(host, handle)
  const wish = { container, attachment, madeBy: 'plug', sandbox } as const
  const intended = await intendEndpoint(host, wish, operation)
  const settleFiles = sandbox && writeResolverFilesAhead(host, intended.endpoint)
  try {
    if (sandbox === undefined) return await createEndpoint(host, intended, operation)
    const endpoint = await namingLost(host, sandbox, () => createAndPlug(host, intended, sandbox, operation))
    await awaitPublication(host, endpoint)
    settleFiles?.()
    return endpoint
  } catch (error) {
    await undoPlug(host, intended.endpoint, { reason: error, settleFiles })
    throw error
  }
}

/** A crash came between the outcome and the answer, and the client asks again. */
function madeBefore(
  host: HostContext,
  handle: string,
  { requestKey }: Operation,
): EndpointRecord | undefined {
  if (requestKey === undefined) return undefined
  return host.inventory
    .endpointsOfContainer(handle)
    .find((endpoint) => endpoint.requestKey === requestKey && isWanted(endpoint))
}

function newAttachment(host: HostContext, container: ContainerRecord, body: PlugBody): Attachment {
  const faults = new RequestFaults()
  const network = faults.of(() => networkAt(host, body.network, 'network'))
  const name = body.name ?? (network && freeAttachmentName(network.name, container.attachments))
  const request = name === undefined ? body : { ...body, name }
  const attachment = attachmentOf(host, { request, network, at: '' }, faults)
  // Wrong addresses are left out of the attachment: the places of the others are not those of the request.
  const isWhole = attachment !== undefined && !faults.any
  noteTaken(host, container, {
    wanted: isWhole ? attachment : claimantOf(request),
    faults,
  })
  if (!isWhole || faults.any) throw faults.error
  return attachment
}

/** As much as can be compared of a request in which something is wrong. */
function claimantOf({
  name,
  interface: wanted,
  default_route: defaultRoute,
  primary,
}: Partial<PlugBody>): Claimant {
  return {
    ...(name !== undefined && { name }),
    ...(wanted !== undefined && { interface: wanted }),
    ...(defaultRoute !== undefined && { defaultRoute }),
    ...(primary !== undefined && { primary }),
  }
}

/** Attachments without an endpoint count too: they get theirs when the container starts. */
function noteTaken(
  host: HostContext,
  { handle, attachments }: ContainerRecord,
  { wanted, faults }: { wanted: Claimant; faults: RequestFaults },
): void {
  const plugged = { attachment: wanted, at: 'plug' }
  const held = attachments.map((attachment, index) => ({ attachment, at: `attachments[${index}]` }))
  // Of a record that an older conetd kept, two others may share something: that is not this request's.
  for (const { at, field, what, first } of takenClaims([...held, plugged])) {
    const holder = held.find((one) => one.at === first.at)?.attachment
    if (at !== plugged.at || holder === undefined) continue
    faults.of(() => refuse(handle, field, `${attachmentInWords(host, handle, holder)} ${what}`))
  }
}

function refuse(handle: string, path: string, what: string): never {
  throw new ConetError('conflict', `plug container ${handle}: ${what}`, {
    fields: [{ path, message: `the container's ${what}` }],
  })
}

function runningSandbox(host: HostContext, handle: string): SandboxRecord | undefined {
  const sandbox = host.inventory.sandboxes.get(handle)
  return stateOf(sandbox) === 'up' ? sandbox : undefined
}

/** Undoing has its own time: the caller may be gone. What fails of it keeps nothing else of it from being done. */
async function undoPlug(
  host: HostContext,
  endpoint: EndpointRecord,
  { reason, settleFiles }: { reason: unknown; settleFiles: (() => void) | undefined },
): Promise<void> {
  const facts = { endpointId: endpoint.id, reason }
  try {
    const buried = buryWithAttachment(host, host.inventory.endpoints.get(endpoint.id) ?? endpoint)
    // A driver that left the plug unanswered would leave its client waiting for as long again.
    if (ConetError.is(reason, 'deadlineExceeded')) postpone(host, buried, reason)
    else await removeEndpoint(host, buried, { id: `undo-${endpoint.id}` })
  } catch (error) {
    host.log.error({ ...facts, err: error }, 'a failed plug could not be undone yet')
  }
  try {
    settleFiles?.()
  } catch (error) {
    host.log.error({ ...facts, err: error }, 'resolver files could not be written after a failed plug')
  }
}
