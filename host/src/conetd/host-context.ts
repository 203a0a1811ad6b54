// Builds the host's state and services around its stores. Nothing runs yet.
import { join } from 'node:path'
import { KeyedQueue } from '@conet/sdk'
import type { Logger } from 'pino'
import type { Cluster } from '../cluster/cluster.ts'
import {
  AddressBook,
  AnsweredPlugs,
  ContainerJournals,
  CutOffContainers,
  type DriverAccess,
  DriverWatch,
  ForsakenContainers,
  type HostContext,
  InterfaceWatch,
  Inventory,
  MadeNetworks,
  PeerFeeder,
  type Pending,
  PendingRetries,
  QueuedDowns,
  retryRemoval,
  retryRepair,
  StartingContainers,
  SyncRounds,
  UnusedConfigurations,
} from '../lifecycle/index.ts'
import { ListeningPorts } from '../machine/listening-ports.ts'
import { machineRoutes } from '../machine/routes.ts'
import { PortPool } from '../ports/index.ts'
import { ResolverFiles, SandboxKeeper } from '../sandbox/index.ts'
import { spoolDirectoryOf } from '../shim/spool-path.ts'
import { restoredEvents } from './event-history.ts'
import type { MachineIdentity } from './machine-identity.ts'
import { PendingLog } from './pending-log.ts'
import { runRooms } from './run-rooms.ts'
import type { Settings } from './settings.ts'
import type { Stores } from './stores.ts'

export type HostParts = {
  readonly settings: Settings
  readonly stores: Stores
  readonly machine: MachineIdentity
  readonly drivers: DriverAccess
  readonly cluster: Cluster | undefined
  readonly log: Logger
}

export function buildHost({ settings, stores, machine, drivers, cluster, log }: HostParts): HostContext {
  const { ipv4, ipv6 } = settings.addressPools
  const inventory = new Inventory(stores, (error) =>
    log.error({ err: error }, 'a configuration waits for the disk and is tried again'),
  )
  const host: HostContext = {
    inventory,
    addresses: new AddressBook({
      pools: { ipv4, ipv6: ipv6 ?? [machine.ipv6Pool] },
      machineRoutes,
      blocks: cluster?.blocks,
    }),
    ports: new PortPool(settings.ports, (id) => endpointName(inventory, id)),
    listening: new ListeningPorts(),
    drivers,
    cluster,
    made: new MadeNetworks((networkId) => host.peers.begin(networkId)),
    peers: peerFeeder({ inventory, cluster, drivers, log }, () => host),
    syncRounds: new SyncRounds(),
    sandboxes: new SandboxKeeper(join(settings.runDir, runRooms.sandboxes)),
    events: restoredEvents(stores.volatile),
    journals: new ContainerJournals({
      store: stores.volatile,
      isKnown: (handle) => inventory.containers.has(handle),
      onError: (err) => log.warn({ err }, 'events of containers wait to be written'),
    }),
    answeredPlugs: new AnsweredPlugs(),
    starting: new StartingContainers(),
    cutOff: new CutOffContainers(),
    ...whatIsLookedAfter(() => host, settings),
    queuedDowns: new QueuedDowns(spoolDirectoryOf(settings.runtimeSocket)),
    defaultAttachment: settings.defaultAttachment,
    resolver: new ResolverFiles(join(settings.runDir, runRooms.resolver), settings.dns),
    queue: new KeyedQueue(),
    log,
  }
  host.events.subscribe((event) => host.journals.append(event))
  return host
}

/** What works for the host by itself, and needs the whole of it. */
function whatIsLookedAfter(host: () => HostContext, settings: Settings) {
  return {
    removals: pendingRemovals(host),
    repairs: pendingRepairs(host),
    forsaken: new ForsakenContainers(host, settings.processGraceMs),
    interfaces: new InterfaceWatch(host),
    driverWatch: new DriverWatch(host, { everyMs: settings.driverLookMs }),
    unused: new UnusedConfigurations(host, settings.unusedConfigurationMs),
  }
}

type PeerSources = Pick<HostContext, 'inventory' | 'cluster' | 'drivers' | 'log'>

function peerFeeder(sources: PeerSources, host: () => HostContext): PeerFeeder {
  return new PeerFeeder({
    ...sources,
    made: { isMade: (networkId) => host().made.isMade(networkId) },
    untold: (networkId, reason) => noteUntold(host(), networkId, reason),
  })
}

function pendingRemovals(host: () => HostContext): PendingRetries {
  return new PendingRetries({
    verb: 'remove',
    retry: (removal, operation) => retryRemoval(host(), removal, operation),
    onError: pendingTold(host, () => host().removals, 'a deletion is pending'),
  })
}

function pendingRepairs(host: () => HostContext): PendingRetries {
  return new PendingRetries({
    verb: 'repair',
    retry: (repair, operation) => retryRepair(host(), repair, operation),
    onError: pendingTold(host, () => host().repairs, 'a repair is pending'),
  })
}

function pendingTold(host: () => HostContext, retries: () => PendingRetries, what: string) {
  const pendingLog = new PendingLog({
    log: host,
    what,
    count: () => retries().size,
    driverOf: (pending) => driverOf(host(), pending),
  })
  return pendingLog.tell.bind(pendingLog)
}

function driverOf({ inventory }: HostContext, { kind, id }: Pending): string | undefined {
  const networkId = kind === 'network' ? id : inventory.endpoints.get(id)?.networkId
  return networkId === undefined ? undefined : inventory.networks.get(networkId)?.type
}

/** Containers here do not reach those that were plugged elsewhere since. */
function noteUntold({ repairs }: HostContext, networkId: string, reason: string | undefined): void {
  const words = `its driver does not take who is on other hosts: ${reason}`
  using look = repairs.look(`peers of ${networkId}`)
  look.found(new Map(reason === undefined ? [] : [[networkId, words]]))
}

/** For people who meet it in an error. */
function endpointName({ endpoints }: Inventory, id: string): string {
  const endpoint = endpoints.get(id)
  const name = `endpoint ${id.slice(0, 12)}`
  return endpoint === undefined ? name : `${name} of container ${endpoint.handle} (${endpoint.attachment})`
}
