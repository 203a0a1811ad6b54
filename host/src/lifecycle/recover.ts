// After a start: what a crash left half done is decided, before anybody may ask for anything. No driver is called;
// what must go is written down as going.
import type { SandboxRecord } from '../domain/container.ts'
import type { HostContext } from './host-context.ts'
import { forgetAttachment } from './plug.ts'
import { bury } from './remove-endpoint.ts'

/** Also opens the addresses of all networks. Call it once, before the API is up. */
export function recover(host: HostContext): void {
  openAddresses(host)
  for (const sandbox of [...host.inventory.sandboxes.values()]) recoverSandbox(host, sandbox)
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

/** An `up` or `down` that was cut off ends as `down`; so does a sandbox that somebody took away. */
function recoverSandbox(host: HostContext, sandbox: SandboxRecord): void {
  const { handle, path, namespace, state } = sandbox
  if (state === 'stopped') return
  if (state === 'up' && host.sandboxes.isHeld(path, namespace)) return
  const reason = state === 'up' ? 'its sandbox is gone' : `conetd ended while it was ${state}`
  host.log.warn({ handle, reason }, 'the container is taken down')
  for (const endpoint of host.inventory.endpointsOfContainer(handle)) {
    if (endpoint.state !== 'created') bury(host, endpoint)
  }
  host.sandboxes.release(path)
  host.inventory.commit((change) => {
    if (state === 'starting') change.deleteSandbox(handle)
    else change.putSandbox({ ...sandbox, state: 'stopped' })
  })
}

/** An endpoint that nobody was told of goes, and the attachment that came with it. */
function recoverEndpoints(host: HostContext): void {
  for (const endpoint of [...host.inventory.endpoints.values()]) {
    const isHalfMade = endpoint.state === 'creating' || endpoint.state === 'plugging'
    if (isHalfMade && endpoint.madeBy === 'plug') forgetAttachment(host, endpoint)
    if (isHalfMade) bury(host, endpoint)
  }
  for (const { id, state } of host.inventory.endpoints.values()) {
    if (state === 'deleting') host.removals.add({ kind: 'endpoint', id })
  }
}

function recoverNetworks(host: HostContext): void {
  for (const network of [...host.inventory.networks.values()]) {
    if (network.state === 'active') continue
    if (network.state === 'creating') host.inventory.putNetwork({ ...network, state: 'deleting' })
    host.removals.add({ kind: 'network', id: network.id })
  }
}
