// Up: the container starts. Its sandbox is held or made, and every attachment is plugged, in order.
import { Rollback } from '@conet/sdk'
import type { UpBody } from '@conet/sdk/api'
import type { ContainerRecord, SandboxRecord } from '../domain/container.ts'
import { newId, sandboxIdOf } from '../domain/ids.ts'
import { startTimeOf } from '../machine/process-start.ts'
import type { SandboxSource } from '../sandbox/index.ts'
import { requireContainer } from './containers.ts'
import { plugMissing } from './cut-off-containers.ts'
import { takeDown } from './down.ts'
import { failpoint } from './failpoints.ts'
import { hasProcessEnded } from './forsaken-containers.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { about } from './named-field.ts'
import { plugAttachment } from './plug-at-up.ts'
import { namingPolicy } from './policy-refusal.ts'
import { finishQueuedDown } from './queued-downs.ts'
import { writeResolverFiles } from './resolution.ts'
import { assertDefined, defineForUp, forgetDefinition } from './runtime-definition.ts'
import { aboutSentAtUp } from './sent-entries.ts'
import { aboutWishAtUp } from './sent-wishes.ts'
import { endLeftovers } from './unfinished-removals.ts'

/**
 * Brings the container up. Repeated with the same namespace, or with none: what it was cut off from is plugged, mostly
 * nothing; if one fails, those before it stay. With another namespace, or with none after its process has ended, the
 * container is taken down first, unless a look shows that it cannot be plugged there. When a first `up` fails the container
 * is as before, and one that no client configured is gone; one that was taken down stays down. `down` aborts it.
 */
export function up(
  host: HostContext,
  handle: string,
  body: UpBody,
  operation: Operation,
): Promise<ContainerRecord> {
  return host.queue.run(containerQueue(handle), async () => {
    await finishQueuedDown(host, handle)
    return host.starting.run(handle, operation, (abortable) => upNow(host, handle, body, abortable))
  })
}

async function upNow(
  host: HostContext,
  handle: string,
  body: UpBody,
  operation: Operation,
): Promise<ContainerRecord> {
  assertDefined(host, handle, body)
  const { source, namespace } = about(body.pid === undefined ? 'netns' : 'pid', () => sourceOf(host, body))
  if (isUpAlready(host, handle, namespace)) {
    await plugMissing(host, handle, operation)
    return requireContainer(host, handle)
  }
  if (host.inventory.sandboxes.has(handle)) {
    assertCanMove(host, handle, { source, namespace })
    await takeDown(host, handle, operation)
  }
  await using undo = new Rollback()
  const configured = host.inventory.containers.get(handle)
  undo.defer('forget what the runtime said', () => forgetDefinition(host, handle, configured))
  const container = await defineForUp(host, handle, body, operation)
  await endLeftovers(host, container, operation)
  const before = host.inventory.sandboxes.get(handle)
  const sandbox = startSandbox(host, handle, source, body)
  undo.defer('let go of the sandbox', () => dropSandbox(host, sandbox, before))
  for (const attachment of container.attachments) {
    operation.signal?.throwIfAborted()
    const place = { container, attachment }
    await namingPolicy(host, place, () =>
      plugAttachment(host, { ...place, sandbox }, { undo, operation }).catch((error: unknown) => {
        throw aboutWishAtUp(host, aboutSentAtUp(host, error, { ...place, body }), place)
      }),
    )
  }
  writeResolverFiles(host, handle)
  recordUp(host, sandbox)
  failpoint('host:up:after-outcome')
  undo.commit()
  host.events.append({ type: 'container.up', container: handle })
  return requireContainer(host, handle)
}

/** What it loses is given up for what can be had. In the namespace that it is in, its own interfaces are in nobody's way. */
function assertCanMove(host: HostContext, handle: string, { source, namespace }: Whereto): void {
  if (namespace === undefined || namespace === host.inventory.sandboxes.get(handle)?.namespace) return
  const coming = host.inventory.endpointsOfContainer(handle).flatMap(({ result }) => result?.interfaces ?? [])
  about(source.pid === undefined ? 'netns' : 'pid', () => host.sandboxes.assertRoom(source, coming))
}

type Whereto = ReturnType<typeof sourceOf>

function recordUp(host: HostContext, sandbox: SandboxRecord): void {
  const container = requireContainer(host, sandbox.handle)
  host.inventory.commit((change) => {
    change.putSandbox({ ...sandbox, state: 'up' })
    // One that the runtime defined is never without use.
    if (container.usedAt === undefined && container.definedBy !== 'runtime')
      change.putContainer({ ...container, usedAt: new Date().toISOString() })
  })
}

/** Where conetd finds the namespace that the runtime names, and which it is. */
function sourceOf(host: HostContext, { pid, netns, namespace }: UpBody) {
  const source = host.sandboxes.locate({ pid, netns, namespace })
  return { source, namespace: host.sandboxes.identify(source) }
}

function isUpAlready(host: HostContext, handle: string, namespace: string | undefined): boolean {
  const sandbox = host.inventory.sandboxes.get(handle)
  if (sandbox?.state !== 'up') return false
  // Who names none means the one it is in: a container that lives is not moved out of its network by a word left out.
  const isSame = namespace === undefined ? !hasProcessEnded(sandbox) : namespace === sandbox.namespace
  return isSame && host.sandboxes.isHeld(sandbox.path, sandbox.namespace)
}

function startSandbox(
  host: HostContext,
  handle: string,
  source: SandboxSource,
  { hostname, extra_hosts: extraHosts }: UpBody,
): SandboxRecord {
  const id = sandboxIdOf(handle)
  const held = host.sandboxes.hold(id, source)
  failpoint('host:up:sandbox-held')
  const pid = source.pid === undefined ? {} : processOf(source.pid)
  const names = { ...(hostname !== undefined && { hostname }), ...(extraHosts && { extraHosts }) }
  const sandbox: SandboxRecord = { handle, id, ...held, ...pid, ...names, hold: newId(), state: 'starting' }
  try {
    host.inventory.commit((change) => change.putSandbox(sandbox))
  } catch (error) {
    host.sandboxes.release(sandbox.path)
    throw error
  }
  failpoint('host:up:after-intent')
  return sandbox
}

function processOf(pid: number): Pick<SandboxRecord, 'pid' | 'processStart'> {
  const processStart = startTimeOf(pid)
  return processStart === undefined ? { pid } : { pid, processStart }
}

/** The container is what it was before: defined, or down. */
function dropSandbox(
  host: HostContext,
  { handle, path }: SandboxRecord,
  before: SandboxRecord | undefined,
): void {
  host.sandboxes.release(path)
  host.resolver.remove(sandboxIdOf(handle))
  failpoint('host:up:sandbox-dropped')
  host.inventory.commit((change) => {
    if (before === undefined) change.deleteSandbox(handle)
    else change.putSandbox(before)
  }, 'removal')
}
