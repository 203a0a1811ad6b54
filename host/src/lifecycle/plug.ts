// Plug: one more attachment on a container, running or not.
import { ConetError } from '@conet/sdk'
import type { PlugBody } from '@conet/sdk/api'
import { type Attachment, type ContainerRecord, type SandboxRecord, stateOf } from '../domain/container.ts'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import { attachmentOf, freeAttachmentName, networkAt } from './attachments.ts'
import { requireContainer } from './containers.ts'
import type { HostContext, Operation } from './host-context.ts'
import { intendEndpoint } from './intend-endpoint.ts'
import { containerQueue } from './keys.ts'
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
    const endpoint = await createAndPlug(host, intended, sandbox, operation)
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
  noteTaken(container, request, faults)
  if (attachment === undefined || faults.any) throw faults.error
  return attachment
}

/** Attachments without an endpoint count too: they get theirs when the container starts. */
function noteTaken(
  { handle, attachments }: ContainerRecord,
  { name, interface: wanted, default_route: defaultRoute }: Omit<PlugBody, 'network'>,
  faults: RequestFaults,
): void {
  const refuseIf = (isTaken: boolean, path: string, what: string): void => {
    if (isTaken) faults.of(() => refuse(handle, path, what))
  }
  const has = (isSo: (one: Attachment) => boolean) => attachments.some(isSo)
  refuseIf(name !== undefined && has((one) => one.name === name), 'name', `is named ${name}`)
  const isNameTaken = wanted !== undefined && has((one) => one.interface === wanted)
  refuseIf(isNameTaken, 'interface', `wants interface ${wanted}`)
  const isRouteTaken = defaultRoute === true && has((one) => one.defaultRoute === true)
  refuseIf(isRouteTaken, 'default_route', 'wants the default route')
}

function refuse(handle: string, path: string, what: string): never {
  throw new ConetError('conflict', `plug container ${handle}: an attachment of it ${what}`, {
    fields: [{ path, message: `an attachment of the container ${what}` }],
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
