// What every operation works on. One object for the life of the daemon; operations hold no state of their own.
import type { KeyedQueue } from '@conet/sdk'
import type { Logger } from 'pino'
import type { ListeningPort, PortPool } from '../ports/index.ts'
import type { ResolverFiles, SandboxKeeper } from '../sandbox/index.ts'
import type { AddressBook } from './address-book.ts'
import type { AnsweredPlugs } from './answered-plugs.ts'
import type { ClusterAccess } from './cluster-access.ts'
import type { ContainerJournals } from './container-journals.ts'
import type { CutOffContainers } from './cut-off-containers.ts'
import type { CallOptions, DriverAccess } from './driver-access.ts'
import type { DriverWatch } from './driver-watch.ts'
import type { EventLog } from './event-log.ts'
import type { ForsakenContainers } from './forsaken-containers.ts'
import type { Inventory } from './inventory.ts'
import type { InterfaceWatch } from './missing-interfaces.ts'
import type { MadeNetworks } from './network-at-driver.ts'
import type { PeerFeeder } from './peer-feeder.ts'
import type { PendingRetries } from './pending-retries.ts'
import type { QueuedDowns } from './queued-downs.ts'
import type { DefaultAttachment } from './runtime-definition.ts'
import type { StartingContainers } from './starting-containers.ts'
import type { SyncRounds } from './sync-rounds.ts'
import type { UnusedConfigurations } from './unused-configurations.ts'

export type HostContext = {
  readonly inventory: Inventory
  readonly addresses: AddressBook
  /** Of the machine, for all drivers. */
  readonly ports: PortPool
  /** On which ports processes of the machine listen now, at least by these protocols. */
  readonly listening: { read(protocols: ReadonlySet<string>): Promise<ListeningPort[]> } & Disposable
  readonly drivers: DriverAccess
  /** Undefined: this host is in no cluster. */
  readonly cluster?: ClusterAccess | undefined
  /** Networks of the cluster that drivers here have now. */
  readonly made: MadeNetworks
  /** Tells drivers of the endpoints on other hosts. */
  readonly peers: PeerFeeder
  readonly syncRounds: SyncRounds
  readonly sandboxes: SandboxKeeper
  readonly events: EventLog
  /** The last events of each container. */
  readonly journals: ContainerJournals
  /** Plugs on their way from the driver's answer to the record. */
  readonly answeredPlugs: AnsweredPlugs
  /** What must go and could not yet. */
  readonly removals: PendingRetries
  /** What is at its driver and not as it should be. */
  readonly repairs: PendingRetries
  readonly starting: StartingContainers
  /** Containers that have lost what they had in networks of the cluster. */
  readonly cutOff: CutOffContainers
  /** Containers whose process is gone. */
  readonly forsaken: ForsakenContainers
  /** Whether what was plugged is still there. */
  readonly interfaces: InterfaceWatch
  /** Whether drivers have what they should have. */
  readonly driverWatch: DriverWatch
  /** Containers that never came up. */
  readonly unused: UnusedConfigurations
  /** What was to be taken down while conetd was away. */
  readonly queuedDowns: QueuedDowns
  /** Undefined: a container that nobody configured cannot come up. */
  readonly defaultAttachment?: DefaultAttachment | undefined
  readonly resolver: ResolverFiles
  /** Operations on one container, and those on one network's own life, run one after the other. */
  readonly queue: KeyedQueue
  readonly log: Logger
}

/** One operation of a client. */
export type Operation = {
  /** Names it in drivers' logs and in the host's. */
  readonly id: string
  /** Stands for the client's request: what carries it on record was made for the same request, before a crash. */
  readonly requestKey?: string
  readonly signal?: AbortSignal
  /** Which try at it this is; default 1. */
  readonly attempt?: number
  /** The trace of the client's request, for drivers. */
  readonly trace?: CallOptions['trace']
}

/** What is left of something that was removed: nothing, or a record until the driver has confirmed. */
export type Removed = 'gone' | 'deleting'
