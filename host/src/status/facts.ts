// What the checks look at. Collected in one go, so that each check is a function of facts and nothing else.
import type { DriverView } from '@conet/sdk/api'
import type { ChainRest } from '@conet/sdk/linux'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { StoreReplaced } from '../domain/store-replaced.ts'
import type { QuarantinedRecord } from '../store/index.ts'

/** A base chain at the hook `forward`. */
export type ForwardChain = {
  readonly family: string
  readonly table: string
  readonly name: string
  /** What becomes of packets that no rule with a condition has taken. */
  readonly rest: ChainRest
  /** Only of these; absent: of all that come to it. */
  readonly packets?: 'IPv4' | 'IPv6'
  /** Of iptables-legacy, whose tables nft does not show. */
  readonly isLegacy: boolean
}

export type StrayRoute = {
  /** The address of the machine in that subnet, without prefix length. */
  readonly gateway: string
  readonly destination: string
  /** By which it goes; undefined: by none, as a blackhole. */
  readonly interfaceName: string | undefined
}

/** The interface of the default route. `setting`: the sysctl that says whether it forwards, and `forwarding`, what it says. */
export type Uplink = {
  readonly name: string
  readonly setting: string
  readonly forwarding: string | undefined
}

/** What the kernel says; `undefined` where it has no such setting. */
export type MachineFacts = {
  /** Of all its interfaces, without prefix lengths. */
  readonly addresses: ReadonlySet<string>
  readonly ipv4Forwarding: string | undefined
  readonly ipv6Forwarding: string | undefined
  /** The interface of the default route of IPv4, if it has one, and whether what comes in by it is forwarded. */
  readonly uplink: Uplink | undefined
  /** Routes that lead packets for the subnet of an address of the machine elsewhere. */
  readonly strayRoutes: readonly StrayRoute[]
  readonly bridgeCallsIptables: string | undefined
  readonly bridgeCallsIp6tables: string | undefined
  /** `first\tlast`: from which ports outgoing connections get theirs. */
  readonly ephemeralPorts: string | undefined
  /** `8080,61000-62000`: which of these they do not get. */
  readonly reservedPorts: string | undefined
  readonly forwardChains: readonly ForwardChain[]
  /** Why some or all of them could not be read. */
  readonly firewallTrouble: string | undefined
}

export type StatusFacts = {
  readonly machine: MachineFacts
  /** What of conetd itself could not be loaded, and why. */
  readonly programTrouble?: { readonly message: string; readonly help?: string | undefined } | undefined
  readonly networks: readonly NetworkRecord[]
  readonly endpoints: readonly EndpointRecord[]
  /** What a driver could not make as it should be, and why. */
  readonly troubledNetworks: readonly { readonly network: NetworkRecord; readonly reason: string }[]
  /** From which ports those get theirs who ask for any. */
  readonly portPool: { readonly start: number; readonly size: number }
  readonly drivers: readonly DriverView[]
  /** Names of drivers that conetd has no program of, and cannot start. */
  readonly withoutProgram: ReadonlySet<string>
  /** Containers that are up, whose network namespace is not where conet holds it. */
  readonly lostSandboxes: readonly { readonly handle: string; readonly path: string }[]
  /** Files that runtimes have left for this host, and that say of no container that it is to go down. */
  readonly unreadableDowns: readonly string[]
  /** Containers whose process ended without a `down`. */
  readonly forsaken: readonly {
    readonly handle: string
    readonly pid: number | undefined
    readonly downAt: Date | undefined
  }[]
  /** Containers that never came up since they were configured. */
  readonly unused: readonly {
    readonly handle: string
    readonly since: Date
    readonly forgottenAt: Date | undefined
  }[]
  /** Networks of containers that are up in which these have no endpoint. */
  readonly unplugged: readonly {
    readonly handle: string
    readonly network: string
    readonly reason: string | undefined
    /** It is of a cluster in which this host is no more. */
    readonly isLeft?: boolean
    /** The network is no more: it was deleted in the cluster while this host was away. */
    readonly isGone?: boolean
  }[]
  readonly now: Date
  /** Paths in the driver directory that are no sockets. */
  readonly strays: readonly string[]
  readonly quarantined: readonly QuarantinedRecord[]
  /** This host was started without a cluster, and networks of one are on record still. */
  readonly isWithoutCluster?: boolean
  /** Why this host has no part in its cluster now; absent: it has, or is in none. */
  readonly cluster?: ClusterTrouble | undefined
  /** Where other hosts send what is for containers here; absent: this host is in no cluster. */
  readonly underlayAddress?: string | undefined
  /** Other hosts of the cluster between which and this one no tunnel can be. */
  readonly unfitNodes?: readonly { readonly name: string; readonly underlayAddress: string }[]
  /** Of this machine in the cluster, which are on record there still. */
  readonly formerNames?: readonly string[]
  /** The shared store is not the one, or not as far, as it was. */
  readonly storeReplaced?: StoreReplaced | undefined
  /** Addresses that this host and another one both use or could hand out. */
  readonly contested?: readonly string[] | undefined
}

export type ClusterTrouble = {
  readonly since: string
  readonly reason: string
  /** What to do about that reason. */
  readonly help?: string | undefined
  /** Others could not reach this machine, so that it does not take part yet. */
  readonly isUnreachable?: boolean
  /** Another machine takes part under this host's name. */
  readonly isNameTaken: boolean
  /** What this host could not say to the others yet. */
  readonly behind: number
}
