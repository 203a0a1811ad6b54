// An address or a MAC that an endpoint of this host has already: the pools know endpoints by their ids alone, and people
// know containers.
import { ConetError } from '@conet/sdk'
import type { HostContext } from './host-context.ts'

/** Runs `work`; an `addressInUse` of it names the container that has what was asked for, and in a cluster this host. */
export function namingHolder<T>(host: HostContext, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw withHolder(host, error)
  }
}

function withHolder({ inventory, cluster }: HostContext, error: unknown): unknown {
  if (!ConetError.is(error, 'addressInUse')) return error
  const { holder, address, mac } = error.details
  const endpoint = typeof holder === 'string' ? inventory.endpoints.get(holder) : undefined
  if (endpoint === undefined) return error
  const { handle, id, state } = endpoint
  const leaving = state === 'deleting' ? ', which is being removed,' : ''
  const where = cluster === undefined ? '' : ` on node ${cluster.node}`
  const message = `endpoint ${id.slice(0, 12)} of container ${handle}${where}${leaving} has it`
  const what = address === undefined ? `MAC ${String(mac)}` : `address ${String(address)}`
  return new ConetError('addressInUse', `reserve ${what}: ${message}`, {
    cause: error,
    details: { ...error.details, container: handle, ...(cluster && { node: cluster.node }) },
    fields: error.fields.map(({ path }) => ({ path, message })),
  })
}
