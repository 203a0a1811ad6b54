// Containers that run without an interface that they should have: an operator has removed this host from the cluster, and
// it has come back; or another host has what they had. They are plugged again, with what they had where it is nobody's, else
// with other addresses. Where somebody has asked for those that are gone, it is shown.
import { ConetError } from '@conet/sdk'
import type { Attachment, ContainerRecord, SandboxRecord } from '../domain/container.ts'
import { type EndpointRecord, type InterfacePlan, isWanted } from '../domain/endpoint.ts'
import { withoutPrefix } from '../ipam/index.ts'
import { Backoff } from '../retry/backoff.ts'
import { requireContainer } from './containers.ts'
import type { HostContext, Operation } from './host-context.ts'
import { intendEndpoint } from './intend-endpoint.ts'
import { containerQueue } from './keys.ts'
import { createAndPlug } from './make-endpoint.ts'
import { namingPolicy } from './policy-refusal.ts'
import { awaitPublication } from './publication.ts'
import { removeInUndo } from './remove-endpoint.ts'
import { writeResolverFiles } from './resolution.ts'

/** What a container had, and why it has not got it again. */
export type CutOff = {
  readonly handle: string
  readonly attachment: string
  readonly addresses: readonly string[]
  reason?: string
}

/** The store may be waiting for a host that comes back minutes later, or never. */
const againMs = { firstMs: 2_000, mostMs: 60_000 }

export class CutOffContainers implements Disposable {
  /** By handle and attachment. */
  readonly #known = new Map<string, Map<string, CutOff>>()
  readonly #backoff = new Backoff(againMs)
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  add({ handle, attachment, interface: { addresses } }: EndpointRecord): void {
    const bare = addresses.map(withoutPrefix)
    const ofContainer = this.#known.get(handle) ?? new Map<string, CutOff>()
    this.#known.set(handle, ofContainer.set(attachment, { handle, attachment, addresses: bare }))
  }

  of(handle: string, attachment: string): CutOff | undefined {
    return this.#known.get(handle)?.get(attachment)
  }

  /** Of all that is to be plugged again. */
  get handles(): readonly string[] {
    return [...this.#known.keys()]
  }

  done(handle: string, attachment: string): void {
    const ofContainer = this.#known.get(handle)
    ofContainer?.delete(attachment)
    if (ofContainer?.size === 0) this.forget(handle)
  }

  /** `isMissing`: whether the container is to have the attachment and has it not. */
  keepIf(handle: string, isMissing: (attachment: string) => boolean): void {
    for (const attachment of [...(this.#known.get(handle)?.keys() ?? [])])
      if (!isMissing(attachment)) this.done(handle, attachment)
  }

  /** What stood in the way passes by itself: `work` is done later, once, however often it is asked for until then. */
  tryAgain(work: () => void): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = setTimeout(work, this.#backoff.nextMs())
  }

  /** Nothing is left that would be worth a try. */
  settled(): void {
    clearTimeout(this.#timer)
    this.#backoff.reset()
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /** It is taken down: what it had then is of no use to its next `up`. */
  forget(handle: string): void {
    this.#known.delete(handle)
  }
}

/** Attachments of a container that is up which have no endpoint. What is on its way out of the sandbox has its turn first. */
export function unpluggedAttachments({ inventory }: HostContext, handle: string): Attachment[] {
  const sandbox = inventory.sandboxes.get(handle)
  if (sandbox?.state !== 'up') return []
  const present = inventory
    .endpointsOfContainer(handle)
    .filter((endpoint) => isWanted(endpoint) || endpoint.hold === sandbox.hold)
  const has = new Set(present.map(({ attachment }) => attachment))
  return (inventory.containers.get(handle)?.attachments ?? []).filter(({ name }) => !has.has(name))
}

/** Of a container that is not up: no `up` can plug them, since their network was deleted on another host. */
export function homelessAttachments({ inventory }: HostContext, handle: string): Attachment[] {
  if (inventory.sandboxes.get(handle)?.state === 'up') return []
  const attachments = inventory.containers.get(handle)?.attachments ?? []
  return attachments.filter(({ networkId, own }) => own === undefined && !inventory.networks.has(networkId))
}

/**
 * With other addresses, or another MAC, where those that were asked for are another's. Within the container's queue. Throws what the first plug that fails does; that one leaves nothing, those before it
 * stay. May be repeated.
 */
export async function plugMissing(host: HostContext, handle: string, operation: Operation): Promise<void> {
  const missing = unpluggedAttachments(host, handle)
  if (missing.length === 0) return
  try {
    for (const attachment of missing) {
      const place = { container: requireContainer(host, handle), attachment }
      const wishes = inAnyWay(attachment)
      await namingPolicy(host, place, () => plugFirstFree(host, handle, { wishes, operation }))
    }
  } finally {
    writeResolverFiles(host, handle)
  }
}

/**
 * With the addresses that they had. What cannot be is noted, for `conet status`, and tried again where that may help. Never
 * rejects; may be repeated.
 */
export async function replugCutOff(host: HostContext): Promise<void> {
  const worthWhile = await Promise.all(
    host.cutOff.handles.map((handle) =>
      host.queue
        .run(containerQueue(handle), () => replugNow(host, handle))
        .catch((err: unknown) => {
          host.log.error({ handle, err }, 'a container that was cut off is not mended')
          return false
        }),
    ),
  )
  if (worthWhile.includes(true)) host.cutOff.tryAgain(() => void replugCutOff(host))
  else host.cutOff.settled()
}

/** Answers whether to try once more is worth while. */
async function replugNow(host: HostContext, handle: string): Promise<boolean> {
  let isWorthWhile = false
  host.cutOff.keepIf(handle, (attachment) => isMissing(host, handle, attachment))
  for (const attachment of unpluggedAttachments(host, handle)) {
    const cutOff = host.cutOff.of(handle, attachment.name)
    if (cutOff === undefined) continue
    try {
      const operation = { id: `replug-${handle}-${attachment.name}` }
      await plugFirstFree(host, handle, { wishes: asBefore(host, attachment, cutOff), operation })
    } catch (error) {
      isWorthWhile ||= ConetError.is(error) && error.retryable
      cutOff.reason = error instanceof Error ? error.message : String(error)
      host.log.warn({ handle, attachment: attachment.name, err: error }, 'a container stays cut off')
    }
  }
  if (host.inventory.sandboxes.get(handle)?.state === 'up') writeResolverFiles(host, handle)
  return isWorthWhile
}

/** With the first of the wishes that asks for nothing of another's. Throws what the last one does. */
async function plugFirstFree(
  host: HostContext,
  handle: string,
  { wishes, operation }: { wishes: readonly Attachment[]; operation: Operation },
): Promise<void> {
  for (const [n, attachment] of wishes.entries()) {
    try {
      const { interface: given } = await plugOne(host, { handle, attachment }, operation)
      if (n > 0) tellOthers(host, handle, { asked: wishes[0], given })
      return
    } catch (error) {
      if (!ConetError.is(error, 'addressInUse') || n === wishes.length - 1) throw error
    }
  }
}

function tellOthers(
  { log }: HostContext,
  handle: string,
  { asked, given }: { asked: Attachment | undefined; given: InterfacePlan },
): void {
  const of = ({ addresses = [], macAddress }: Partial<Pick<InterfacePlan, 'addresses' | 'macAddress'>>) => ({
    addresses: addresses.map(withoutPrefix),
    ...(macAddress !== undefined && { macAddress }),
  })
  log.warn(
    { handle, attachment: asked?.name, asked: of(asked ?? {}), given: of(given) },
    'what a container was to have is another’s: it has other addresses, or another MAC',
  )
}

/** As it was; where nobody has asked for its addresses, with others. */
function asBefore(host: HostContext, attachment: Attachment, cutOff: CutOff): Attachment[] {
  const isDriversOwn = host.inventory.networks.get(attachment.networkId)?.ipam === 'driver'
  if (isDriversOwn || attachment.addresses.length > 0) return [attachment]
  return [{ ...attachment, addresses: [...cutOff.addresses] }, attachment]
}

/** Somebody has asked for an interface, whatever it has: the wishes one after the other, each for less. */
export function inAnyWay(attachment: Attachment): Attachment[] {
  const { macAddress, ...rest } = attachment
  const wishes = [attachment]
  if (attachment.addresses.length > 0) wishes.push({ ...attachment, addresses: [] })
  if (macAddress !== undefined) wishes.push({ ...rest, addresses: [] })
  return wishes
}

/** What is on its way out of the sandbox is missing too: its turn comes later. */
function isMissing({ inventory }: HostContext, handle: string, attachment: string): boolean {
  const isPlugged = inventory
    .endpointsOfContainer(handle)
    .some((endpoint) => endpoint.attachment === attachment && isWanted(endpoint))
  const attachments = inventory.containers.get(handle)?.attachments ?? []
  return !isPlugged && attachments.some(({ name }) => name === attachment)
}

async function plugOne(
  host: HostContext,
  { handle, attachment }: { handle: string; attachment: Attachment },
  operation: Operation,
): Promise<EndpointRecord> {
  const { container, sandbox } = running(host, handle)
  const wish = { container, attachment, madeBy: 'up', sandbox } as const
  const intended = await intendEndpoint(host, wish, operation)
  try {
    const endpoint = await createAndPlug(host, intended, sandbox, operation)
    await awaitPublication(host, endpoint)
    host.cutOff.done(handle, attachment.name)
    return endpoint
  } catch (error) {
    await removeInUndo(host, intended.endpoint.id)
    throw error
  }
}

function running(
  { inventory }: HostContext,
  handle: string,
): { container: ContainerRecord; sandbox: SandboxRecord } {
  const container = inventory.containers.get(handle)
  const sandbox = inventory.sandboxes.get(handle)
  if (container !== undefined && sandbox !== undefined) return { container, sandbox }
  throw new ConetError('notFound', `plug container ${handle}: it is gone`, { details: { handle } })
}
