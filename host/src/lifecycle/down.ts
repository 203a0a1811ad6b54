// Down: the container stopped. Every endpoint ends, in reverse, going on after errors; then its sandbox is let go.
import { ConetError } from '@conet/sdk'
import { type ContainerRecord, stateOf } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { withoutRuntimeWord } from '../domain/runtime-word.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { removeOwnNetworks } from './own-networks.ts'
import { bury, removeEndpoint } from './remove-endpoint.ts'

/** Takes the container down; aborts an `up` that is running. Fine for handles never seen. May be repeated. */
export function down(host: HostContext, handle: string, operation: Operation): Promise<Removed> {
  host.starting.abort(handle)
  return host.queue.run(containerQueue(handle), async () => {
    const removed = await takeDown(host, handle, operation)
    // Left by a client that had no answer in time: this is what it asked for.
    host.queuedDowns.remove(handle)
    return removed
  })
}

/** As `down`, for callers that are inside the container's queue. */
export async function takeDown(host: HostContext, handle: string, operation: Operation): Promise<Removed> {
  host.cutOff.forget(handle)
  const sandbox = host.inventory.sandboxes.get(handle)
  if (sandbox === undefined || sandbox.state === 'stopped') {
    const container = host.inventory.containers.get(handle)
    if (container !== undefined) forgetRuntimeWord(host, container)
    return 'gone'
  }
  host.inventory.commit((change) => change.putSandbox({ ...sandbox, state: 'stopping' }), 'removal')
  failpoint('host:down:after-intent')
  const endpoints = host.inventory.endpointsOfContainer(handle).reverse()
  const removed = await removeAll(host, endpoints, operation)
  host.sandboxes.release(sandbox.path)
  host.resolver.remove(sandbox.id)
  failpoint('host:down:sandbox-released')
  host.inventory.commit((change) => change.putSandbox({ ...sandbox, state: 'stopped' }), 'removal')
  failpoint('host:down:after-outcome')
  const networks = await removeOwnNetworks(host, handle, operation)
  host.events.append({ type: 'container.down', container: handle })
  forget(host, handle)
  return outcomeOf(`take container ${handle} down`, {
    states: [...removed.states, ...networks.states],
    failures: [...removed.failures, ...networks.failures],
  })
}

/** What the runtime said of it. Nobody asks again for a container that nobody configured. */
function forget(host: HostContext, handle: string): void {
  const container = host.inventory.containers.get(handle)
  if (container !== undefined) forgetRuntimeWord(host, container)
  if (container?.definedBy !== 'runtime') return
  host.inventory.deleteContainer(handle)
  host.inventory.commit((change) => change.deleteSandbox(handle), 'removal')
  host.events.append({ type: 'container.removed', container: handle })
}

/** Goes through on a full disk. */
export function forgetRuntimeWord({ inventory }: HostContext, container: ContainerRecord): void {
  const kept = withoutRuntimeWord(container)
  if (kept !== container) inventory.putConfiguration(kept, 'removal')
}

type Removals = { states: Removed[]; failures: unknown[] }

/** All at once: the driver unplugs a burst of endpoints in one go. Tombstones first, in order. */
export async function removeAll(
  host: HostContext,
  endpoints: readonly EndpointRecord[],
  operation: Operation,
): Promise<Removals> {
  const buried = endpoints.map((endpoint) => bury(host, endpoint))
  const outcomes = await Promise.allSettled(
    buried.map((endpoint) => removeEndpoint(host, endpoint, operation)),
  )
  const states: Removed[] = []
  const failures: unknown[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') states.push(outcome.value)
    else failures.push(outcome.reason)
  }
  return { states, failures }
}

/** Reports every failure; without one, whether something is left for later. */
export function outcomeOf(what: string, { states, failures }: Removals): Removed {
  const [first] = failures
  if (first === undefined) return states.includes('deleting') ? 'deleting' : 'gone'
  if (failures.length === 1 && ConetError.is(first)) throw first
  const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)))
  throw new ConetError(ConetError.is(first) ? first.kind : 'internal', `${what}: ${messages.join('; ')}`, {
    cause: new AggregateError(failures),
    details: { failures: messages },
    operationState: 'partial',
    help: 'what is left is on record and is tried again',
  })
}

export function isUp(host: HostContext, handle: string): boolean {
  return stateOf(host.inventory.sandboxes.get(handle)) === 'up'
}
