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
  ForsakenContainers,
  type HostContext,
  InterfaceWatch,
  Inventory,
  MadeNetworks,
  PeerFeeder,
  PendingRetries,
  QueuedDowns,
  retryRemoval,
  retryRepair,
  StartingContainers,
  SyncRounds,
  UnusedConfigurations,
} from '../lifecycle/index.ts'
import { readListeningPorts } from '../machine/listening-ports.ts'
import { machineRoutes } from '../machine/routes.ts'
import { PortPool } from '../ports/index.ts'
import { ResolverFiles, SandboxKeeper } from '../sandbox/index.ts'
import { spoolDirectoryOf } from '../shim/spool-path.ts'
import { restoredEvents } from './event-history.ts'
import type { MachineIdentity } from './machine-identity.ts'
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
    readListeningPorts,
    drivers,
    cluster,
    made: new MadeNetworks((networkId) => host.peers.begin(networkId)),
    peers: new PeerFeeder({
      inventory,
      cluster,
      drivers,
      log,
      made: { isMade: (networkId) => host.made.isMade(networkId) },
    }),
    syncRounds: new SyncRounds(),
    sandboxes: new SandboxKeeper(join(settings.runDir, 'netns')),
    events: restoredEvents(stores.volatile),
    journals: new ContainerJournals({
      store: stores.volatile,
      isKnown: (handle) => inventory.containers.has(handle),
      onError: (err) => log.warn({ err }, 'events of containers wait to be written'),
    }),
    answeredPlugs: new AnsweredPlugs(),
    removals: new PendingRetries({
      verb: 'remove',
      retry: (removal, operation) => retryRemoval(host, removal, operation),
      onError: (removal, error) => log.warn({ ...removal, err: error }, 'a deletion is still pending'),
    }),
    repairs: new PendingRetries({
      verb: 'repair',
      retry: (repair, operation) => retryRepair(host, repair, operation),
      onError: (repair, error) => log.warn({ ...repair, err: error }, 'a repair is still pending'),
    }),
    starting: new StartingContainers(),
    cutOff: new CutOffContainers(),
    forsaken: new ForsakenContainers(() => host, settings.processGraceMs),
    interfaces: new InterfaceWatch(() => host),
    unused: new UnusedConfigurations(() => host, settings.unusedConfigurationMs),
    queuedDowns: new QueuedDowns(spoolDirectoryOf(settings.runtimeSocket)),
    defaultAttachment: settings.defaultAttachment,
    resolver: new ResolverFiles(join(settings.runDir, 'resolver'), settings.dns),
    queue: new KeyedQueue(),
    log,
  }
  host.events.subscribe((event) => host.journals.append(event))
  return host
}

/** For people who meet it in an error. */
function endpointName({ endpoints }: Inventory, id: string): string {
  const endpoint = endpoints.get(id)
  const name = `endpoint ${id.slice(0, 12)}`
  return endpoint === undefined ? name : `${name} of container ${endpoint.handle} (${endpoint.attachment})`
}
