// What exists, read from the kernel: the driver keeps no record of its own.
import type { EndpointRef } from '../protocol/index.ts'
import type { Machine } from './machine.ts'

type Look = Pick<Machine, 'rtnl' | 'names'>

export function listNetworks({ rtnl, names }: Look): string[] {
  return rtnl.links({ kind: 'bridge' }).flatMap((link) => names.networkOf(link) ?? [])
}

export function listEndpoints({ rtnl, names }: Look): EndpointRef[] {
  return rtnl.links({ kind: 'veth' }).flatMap((link) => names.endpointOf(link) ?? [])
}

/** Deletes what a death of the driver left half made. */
export async function sweep({ rtnl, names, deletions }: Look & Pick<Machine, 'deletions'>): Promise<void> {
  const halfMade = rtnl.links().filter((link) => names.isHalfMade(link))
  await Promise.all(halfMade.map(({ index }) => deletions.delete(index)))
}
