// Tells both ends of a connection of TCP that it is about to be cut: its socket in the sandbox is aborted while the kernel still
// remembers the flow, so that the reset that this sends is translated, passes, and closes the other end.
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  abortConnections,
  type Connection,
  formatIp,
  type Namespace,
  openSandbox,
  Rtnl,
} from '../linux/index.ts'
import type { Flow } from '../linux/netfilter/index.ts'
import { withoutPrefix } from './addressing.ts'
import { protocols } from './policy/rules.ts'

export type ConnectionEnd = { readonly addresses: readonly Uint8Array[]; readonly sandboxPath: string }

/**
 * Of those flows that begin or end at an endpoint. A connection whose socket is elsewhere, as in a namespace that the container
 * has made itself, stays as it is. Throws a ConetError or a KernelError where there is no way into the sandbox, or the kernel
 * cannot do it.
 */
export async function resetConnections(flows: readonly Flow[], end: ConnectionEnd): Promise<void> {
  const connections = flows.flatMap((flow) => connectionOf(flow, end) ?? [])
  if (connections.length === 0) return
  using sandbox = openSandbox(end.sandboxPath)
  const interfaces = interfacesIn(sandbox)
  const found = connections.map((connection) => {
    return { ...connection, interfaceIndex: interfaces.get(formatIp(connection.source)) }
  })
  abortConnections(found, sandbox)
  // The resets are on their way when the kernel comes back; on a busy machine shortly after.
  await nextTurn()
}

/** Their indexes, by address. */
function interfacesIn(sandbox: Namespace): ReadonlyMap<string, number> {
  using inner = Rtnl.openIn(sandbox)
  return new Map(inner.addresses().map(({ address, link }) => [withoutPrefix(address), link]))
}

/** As the endpoint itself knows it. */
function connectionOf({ original, reply }: Flow, { addresses }: ConnectionEnd): Connection | undefined {
  if (original.protocol !== protocols.tcp) return undefined
  const isOwn = (address: Buffer) => addresses.some((one) => address.equals(one))
  return [original, reply].find(({ source }) => isOwn(source))
}
