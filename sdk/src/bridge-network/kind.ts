// What tells the bridge networks of one driver from those of another.

import type { Call } from '../driver/index.ts'
import type { Network } from '../protocol/index.ts'
import type { Rollback } from '../rollback.ts'
import type { AddressHistory } from './address-history.ts'
import type { BridgePlan } from './bridge-plan.ts'
import type { Machine } from './machine.ts'
import type { LinkPrefixes } from './names.ts'

/** What a driver decides whose networks are bridges. */
export type BridgeNetworkKind = {
  /** The driver's name; its firewall table is `conet_NAME`. */
  readonly driverName: string
  readonly prefixes: LinkPrefixes
  /** What a network should look like. Throws `invalidArgument` where its `config` is wrong; changes nothing. */
  plan(network: Network, machine: Machine): BridgePlan
  /** Whether members of a network may be on other hosts. Default: no. */
  readonly spansHosts?: boolean
  /** What each network has beyond its bridge. */
  readonly extension?: BridgeExtension
}

/** The bridge of a network as it is in the kernel. */
export type StandingBridge = {
  readonly index: number
  readonly plan: BridgePlan
  /** Which addresses had which MAC, here or elsewhere. */
  readonly history: AddressHistory
}

/** A part of a network that only one driver has: a tunnel, an uplink. */
export type BridgeExtension = {
  /** Makes it, or compares and mends it without an interruption; `undo` takes away what is new. */
  ensure(network: Network, bridge: StandingBridge, work: ExtensionWork): Promise<void>
  /**
   * What `ensure` would mend of it, in words, as far as one look shows; `bridge` is the index of the network's. Changes
   * nothing. Throws `conflict` where something else has its name.
   */
  faults(networkId: string, bridge: number, machine: Machine): Promise<string[]>
  /** Takes it away, before the bridge goes. May be repeated. */
  delete(networkId: string, machine: Machine): Promise<void>
  /** Takes away what a death of the driver left half made. */
  sweep(machine: Machine): Promise<void>
}

/** With what an extension works. */
export type ExtensionWork = { readonly machine: Machine; readonly undo: Rollback; readonly call: Call }
