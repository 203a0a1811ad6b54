// Neighbours of a bridge that somebody has set for good: the machine would send to another MAC than the member's, which it
// never asks for again. What the kernel learns is its own affair.
import { deleteNeighbour, type Neighbour, parseIp, parsePrefix, type Rtnl } from '../linux/index.ts'
import { contains } from './addressing.ts'
import type { BridgePlan } from './bridge-plan.ts'

type Addressed = Pick<BridgePlan, 'addresses' | 'hasOwnNeighbours'>

/** In words. */
export async function neighbourFaults(rtnl: Rtnl, bridge: number, plan: Addressed): Promise<string[]> {
  return (await fixedNeighbours(rtnl, bridge, plan)).map((found) => `has ${nameOf(found)}`)
}

/** Deletes them. Answers what there was, in words. */
export async function mendNeighbours(rtnl: Rtnl, bridge: number, plan: Addressed): Promise<string[]> {
  const found = await fixedNeighbours(rtnl, bridge, plan)
  rtnl.batch(
    found.map(({ address }) => deleteNeighbour({ link: bridge, address })),
    { tolerate: ['ENOENT'] },
  )
  return found.map((one) => `it had ${nameOf(one)}`)
}

function nameOf({ state, address, macAddress = 'no MAC' }: Neighbour): string {
  return `the ${state} neighbour ${address} (${macAddress})`
}

async function fixedNeighbours(
  rtnl: Rtnl,
  link: number,
  { addresses, hasOwnNeighbours }: Addressed,
): Promise<Neighbour[]> {
  const subnets = addresses.map(parsePrefix)
  if (subnets.length === 0) return []
  const found = await rtnl.neighboursSlow({ link })
  return found.filter(({ address, state }) => {
    if (state !== 'noarp' && (state !== 'permanent' || hasOwnNeighbours)) return false
    const { bytes } = parseIp(address)
    return subnets.some((subnet) => contains(subnet, bytes) && !isBroadcast(subnet, bytes))
  })
}

/** All zeros or ones behind the prefix: the kernel's own entries for broadcasts are `noarp`. */
function isBroadcast({ prefixLength }: { readonly prefixLength: number }, bytes: Buffer): boolean {
  if (bytes.length !== 4 || prefixLength > 30) return false
  const hostBits = 0xffffffff >>> prefixLength
  const host = (bytes.readUInt32BE() & hostBits) >>> 0
  return host === 0 || host === hostBits
}
