// The entry that a bridge's forwarding table has for the bridge's own MAC, which is the gateway's. Without it, or with one that
// leads to a port, what members send to the gateway goes elsewhere. The kernel makes it with the MAC, and never again. (Those of
// the ports' own MACs are not looked at: nobody sends to them.)
import { type Link, type RouteRequest, type Rtnl, replaceForwardingEntry } from '../linux/index.ts'
import type { BridgePlan } from './bridge-plan.ts'

type OwnMac = Pick<BridgePlan, 'macAddress'>

/** In words. One that has another MAC gets the entry with its own. */
export function ownEntryFaults(rtnl: Rtnl, bridge: Link, { macAddress }: OwnMac): string[] {
  if (bridge.macAddress !== macAddress || hasOwnEntry(rtnl, bridge.index, macAddress)) return []
  return [`does not take what is sent to its own MAC ${macAddress}, which is the gateway's`]
}

/** In place, whatever entry there is. Answers what differed, in words. */
export function mendOwnEntry(rtnl: Rtnl, bridge: number, { macAddress }: OwnMac): string[] {
  if (hasOwnEntry(rtnl, bridge, macAddress)) return []
  rtnl.run(ownEntry(bridge, { macAddress }))
  return [`it did not take what is sent to its own MAC ${macAddress}, which is the gateway's`]
}

/** Takes the place of whatever entry there is. Repeatable. */
export function ownEntry(bridge: number, { macAddress }: OwnMac): RouteRequest {
  return replaceForwardingEntry({ link: bridge, macAddress })
}

function hasOwnEntry(rtnl: Rtnl, bridge: number, macAddress: string): boolean {
  // Whatever port a local one names.
  return rtnl.forwardingEntry({ bridge, macAddress })?.local === true
}
