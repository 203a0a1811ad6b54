// After a start: what a crash left half done is decided, before anybody may ask for anything. No driver is called;
// what must go is written down as going.
import { type SandboxRecord, stateOf } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { forgetRuntimeWord } from './down.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext } from './host-context.ts'
import { portCursor } from './policy-ports.ts'
import { bury, buryWithAttachment } from './remove-endpoint.ts'

/** Also opens the addresses of all networks. Call it once, before the API is up. */
export function recover(host: HostContext): void {
  openAddresses(host)
  holdPorts(host)
  for (const sandbox of [...host.inventory.sandboxes.values()]) recoverSandbox(host, sandbox)
  forgetUndefined(host)
  releaseUnknownSandboxes(host)
  recoverEndpoints(host)
  recoverNetworks(host)
}

function openAddresses(host: HostContext): void {
  const { inventory, addresses } = host
  for (const network of inventory.networks.values()) {
    addresses.open(network, {
      endpoints: inventory.endpointsOfNetwork(network.id),
      cursors: inventory.cursors,
    })
  }
}

/** Also those that a driver may map although they are not wanted. */
function holdPorts({ inventory, ports }: HostContext): void {
  for (const { id, portMappings = [], diverged } of inventory.endpoints.values())
    ports.hold(id, [...portMappings, ...(diverged?.portMappings ?? [])])
  ports.cursor = Number(inventory.cursors.get(portCursor))
}

/** An `up` or `down` that was cut off ends as `down`; so does a sandbox that somebody took away. */
function recoverSandbox(host: HostContext, sandbox: SandboxRecord): void {
  const { handle, path, namespace, state } = sandbox
  if (state === 'stopped') return
  if (state === 'up' && host.sandboxes.isHeld(path, namespace)) return
  const reason = state === 'up' ? 'its sandbox is gone' : `conetd ended while it was ${state}`
  host.log.warn({ handle, reason }, 'the container is taken down')
  for (const endpoint of host.inventory.endpointsOfContainer(handle)) {
    // A plug into a running container that was cut off takes its attachment with it; in an `up` it was there before.
    if (endpoint.state === 'plugging' && state === 'up') buryHalfMade(host, endpoint)
    else if (endpoint.state !== 'created') bury(host, endpoint)
  }
  host.sandboxes.release(path)
  failpoint('host:recover:sandbox-released')
  host.inventory.commit((change) => {
    if (state === 'starting') change.deleteSandbox(handle)
    else change.putSandbox({ ...sandbox, state: 'stopped' })
  }, 'removal')
}

/** A container that the runtime defined ends with its sandbox, and of others what the runtime said. */
function forgetUndefined(host: HostContext): void {
  const { containers, sandboxes } = host.inventory
  for (const container of [...containers.values()]) {
    const { handle, definedBy } = container
    if (stateOf(sandboxes.get(handle)) === 'up') continue
    if (definedBy === 'runtime') host.inventory.deleteContainer(handle)
    else forgetRuntimeWord(host, container)
  }
}

/** Held by a crash just before it was written down; and records of containers that were forgotten meanwhile. */
function releaseUnknownSandboxes(host: HostContext): void {
  const { containers, sandboxes } = host.inventory
  for (const { handle, state } of [...sandboxes.values()]) {
    if (state !== 'stopped' || containers.has(handle)) continue
    host.inventory.commit((change) => change.deleteSandbox(handle), 'removal')
  }
  const held = [...sandboxes.values()].filter(({ state }) => state !== 'stopped')
  for (const id of host.sandboxes.releaseOthers(new Set(held.map((sandbox) => sandbox.id)))) {
    host.log.warn({ sandbox: id }, 'a sandbox that no container has is let go')
  }
  host.resolver.removeOthers(new Set(held.map((sandbox) => sandbox.id)))
}

/** An endpoint that nobody was told of goes, and the attachment that came with it; so does one without its attachment. */
function recoverEndpoints(host: HostContext): void {
  for (const endpoint of [...host.inventory.endpoints.values()]) {
    if (endpoint.state === 'creating' || endpoint.state === 'plugging') buryHalfMade(host, endpoint)
    else if (!hasAttachment(host, endpoint)) bury(host, endpoint)
  }
  for (const { id, state } of host.inventory.endpoints.values()) {
    if (state === 'deleting') host.removals.add({ kind: 'endpoint', id })
  }
}

function buryHalfMade(host: HostContext, endpoint: EndpointRecord): void {
  if (endpoint.madeBy === 'plug') buryWithAttachment(host, endpoint)
  else bury(host, endpoint)
}

/** Not when a new configuration was written and its old endpoints were not yet buried. */
function hasAttachment(host: HostContext, { handle, attachment, networkId }: EndpointRecord): boolean {
  const attachments = host.inventory.containers.get(handle)?.attachments ?? []
  return attachments.some((wanted) => wanted.name === attachment && wanted.networkId === networkId)
}

/** A container's own that has no container up any more. */
function isForsaken({ inventory }: HostContext, { owner }: NetworkRecord): boolean {
  return owner !== undefined && stateOf(inventory.sandboxes.get(owner)) !== 'up'
}

function recoverNetworks(host: HostContext): void {
  for (const network of [...host.inventory.networks.values()]) {
    if (network.state === 'active' && !isForsaken(host, network)) continue
    if (network.state !== 'deleting')
      host.inventory.putNetwork({ ...network, state: 'deleting', buriedAt: new Date().toISOString() })
    failpoint('host:recover:network-buried')
    host.removals.add({ kind: 'network', id: network.id })
  }
}
