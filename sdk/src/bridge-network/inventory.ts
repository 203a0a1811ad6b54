// What exists, read from the kernel: the driver keeps no record of its own.
import type { Link } from '../linux/index.ts'
import type { ListedEndpoint } from '../protocol/index.ts'
import type { Machine } from './machine.ts'

type Look = Pick<Machine, 'rtnl' | 'names'>

export function listNetworks({ rtnl, names }: Look): string[] {
  return rtnl.links({ kind: 'bridge' }).flatMap((link) => names.networkOf(link) ?? [])
}

/** With what is wrong with their ports. What is in their sandboxes is not looked at. */
export function listEndpoints({ rtnl, names }: Look): ListedEndpoint[] {
  const bridges = new Map(rtnl.links({ kind: 'bridge' }).map(({ name, index }) => [name, index]))
  return rtnl.links({ kind: 'veth' }).flatMap((port) => {
    const endpoint = names.endpointOf(port)
    if (endpoint === undefined) return []
    const bridge = names.bridge(endpoint.networkId)
    const fault = faultOf(port, { name: bridge, index: bridges.get(bridge) })
    return [{ ...endpoint, ...(fault !== undefined && { fault }) }]
  })
}

function faultOf(port: Link, bridge: { name: string; index: number | undefined }): string | undefined {
  if (port.master === undefined || port.master !== bridge.index)
    return `its port ${port.name} is not in the bridge ${bridge.name}`
  return port.isUp ? undefined : `its port ${port.name} is down`
}

/** Deletes what a death of the driver left half made. */
export async function sweep({ rtnl, names, deletions }: Look & Pick<Machine, 'deletions'>): Promise<void> {
  const halfMade = rtnl.links().filter((link) => names.isHalfMade(link))
  await Promise.all(halfMade.map(({ index }) => deletions.delete(index)))
}
