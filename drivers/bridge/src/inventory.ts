// What exists, read from the kernel: the driver keeps no record of its own.
import type { EndpointRef } from '@conet/sdk'
import type { Rtnl } from '@conet/sdk/linux'
import type { LinkDeletions } from './link-deletions.ts'
import { endpointOf, isHalfMade, networkOf } from './names.ts'

export function listNetworks(rtnl: Rtnl): string[] {
  return rtnl.links({ kind: 'bridge' }).flatMap((link) => networkOf(link) ?? [])
}

export function listEndpoints(rtnl: Rtnl): EndpointRef[] {
  return rtnl.links({ kind: 'veth' }).flatMap((link) => endpointOf(link) ?? [])
}

/** Deletes what a death of the driver left half made. */
export async function sweep(rtnl: Rtnl, deletions: LinkDeletions): Promise<void> {
  const halfMade = rtnl.links().filter(isHalfMade)
  await Promise.all(halfMade.map(({ index }) => deletions.delete(index)))
}
