// conetd as a whole: builds its parts in order, starts them, and stops them in reverse. Drivers go on without it.
import { randomUUID } from 'node:crypto'
import { ConetError, Rollback } from '@conet/sdk'
import type { Cluster } from '../cluster/cluster.ts'
import {
  clusterListener,
  finishRemovals,
  type HostContext,
  publishEndpoints,
  reconcile,
  recover,
  replugCutOff,
  takeQueuedDown,
} from '../lifecycle/index.ts'
import { openCluster } from './cluster-room.ts'
import type { DaemonOptions } from './daemon-options.ts'
import { buildDriverRoom, buildSupervisor, type DriverRoom } from './driver-room.ts'
import { endsWithin } from './ends-within.ts'
import { keepEvents, withContainer } from './event-history.ts'
import { buildHost } from './host-context.ts'
import { type MachineIdentity, machineIdentity } from './machine-identity.ts'
import { lockDriversAnew, takePlaces } from './places.ts'
import { putDown, startOrPutDown } from './put-down.ts'
import { seatRecords } from './seat-records.ts'
import { serve } from './serving.ts'
import { formerSeats, startSpawned } from './start-spawned.ts'
import { openStores, type Stores } from './stores.ts'

export type Daemon = {
  /** Takes no more requests, lets what is under way end, and puts everything down. Call it once. */
  stop(): Promise<void>
}

/** For operations whose request has ended or was given up. */
const lastSecondsMs = 2_000

/** Returns when both sockets answer. When it throws, nothing is left of it. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const parts = new Rollback()
  const undo = new Rollback()
  await startOrPutDown(() => start(options, parts, undo), [parts, undo], options.log)
  return { stop: () => putDown(parts) }
}

async function start(options: DaemonOptions, parts: Rollback, undo: Rollback): Promise<void> {
  const { settings, log, environment } = options
  // Before anything is made: a name that nobody has is the operator's mistake.
  await buildSupervisor(settings, environment).assertStartable(settings.spawn)
  await takePlaces(options, parts, undo)
  const stores = await openStores(settings, log)
  parts.defer('close the stores', async () => stores[Symbol.asyncDispose]())
  const machine = machineIdentity(stores.durable)
  const { version } = options
  const cluster = await openCluster({
    settings: settings.cluster,
    machine,
    version,
    records: stores.durable,
    log,
  })
  const { host, room } = buildParts(options, { stores, machine, cluster }, parts)
  recover(host)
  joinCluster(host, cluster, parts)
  room.registry.expect([...host.inventory.networks.values()].map(({ type }) => type))
  const former = formerSeats(settings.spawn, room)
  await expectDrivers(options, room, parts)
  takeQueuedDown(host)
  host.forsaken.start()
  host.unused.start()
  host.interfaces.start()
  host.driverWatch.start()
  await serve(options, { host, room, stores, cluster }, parts)
  // Not by a conetd that cannot listen: they would outlive it.
  await startSpawned(options, room, former)
}

/** What the host is built on. */
type Ground = {
  readonly stores: Stores
  readonly machine: MachineIdentity
  readonly cluster: Cluster | undefined
}

/** Others learn what this host has, and it of them, from here on; nothing waits for it. */
function joinCluster(host: HostContext, cluster: Cluster | undefined, parts: Rollback): void {
  publishEndpoints(host)
  cluster?.start(clusterListener(host))
  parts.defer('leave the cluster', async () => {
    host.peers[Symbol.dispose]()
    await cluster?.stop()
  })
}

/** The host and its drivers know each other: the one calls, the others are told what should be. */
function buildParts(
  options: DaemonOptions,
  { stores, machine, cluster }: Ground,
  parts: Rollback,
): { host: HostContext; room: DriverRoom } {
  const { settings, log, environment, failed } = options
  const room = buildDriverRoom({
    settings,
    environment,
    identity: identityOf(options, machine),
    log,
    seats: seatRecords(stores.volatile),
    sync: (driver, options) => reconcile(host, driver, options),
    ready: (name) => {
      host.peers.feedAll(name)
      void finishRemovals(host, name)
        .then(() => replugCutOff(host))
        .catch(failed)
    },
    event: (event) => host.events.append(withContainer(host, event)),
    directoryRenewed: () => lockDriversAnew(options, parts),
    failed,
  })
  const host: HostContext = buildHost({
    settings,
    stores,
    machine,
    drivers: room.registry,
    cluster,
    log,
  })
  deferEnd(parts, { host, room, stores })
  return { host, room }
}

/** The last of these comes first. */
function deferEnd(
  parts: Rollback,
  { host, room, stores }: { host: HostContext; room: DriverRoom; stores: Stores },
): void {
  parts.defer('let go of the directory of the sandboxes', () => host.sandboxes.close())
  parts.defer('look at no ports any more', () => host.listening[Symbol.dispose]())
  parts.defer('write what waits for the disk', () =>
    // It is in the run directory too, and from there the next conetd has it, unless the machine boots before.
    unlessStoreRefuses(host, 'what waits for the state directory is left to the next conetd', () =>
      host.inventory[Symbol.dispose](),
    ),
  )
  parts.defer('leave the events to the next conetd', () => {
    host.journals[Symbol.dispose]()
    unlessStoreRefuses(host, 'the next conetd will not know the events of this one', () =>
      keepEvents(stores.volatile, host.events),
    )
  })
  parts.defer('end the operations under way', async () => {
    host.removals[Symbol.dispose]()
    host.repairs[Symbol.dispose]()
    host.cutOff[Symbol.dispose]()
    host.forsaken[Symbol.dispose]()
    host.unused[Symbol.dispose]()
    host.interfaces[Symbol.dispose]()
    host.driverWatch[Symbol.dispose]()
    await endOperations(host, room, lastSecondsMs)
  })
}

/** On a full disk conetd stops as ever, and says what it could not write. */
function unlessStoreRefuses({ log }: HostContext, consequence: string, write: () => void): void {
  try {
    write()
  } catch (err) {
    if (!ConetError.is(err)) throw err
    log.warn({ err }, consequence)
  }
}

function identityOf({ version, settings }: DaemonOptions, { nodeId }: MachineIdentity) {
  const underlay = settings.cluster && { underlayAddress: settings.cluster.underlayAddress }
  return { name: 'conetd', version, instanceId: randomUUID(), nodeId, ...underlay }
}

/** What does not end in time loses its driver, which ends it. */
async function endOperations(
  { queue }: HostContext,
  { registry }: DriverRoom,
  timeoutMs: number,
): Promise<void> {
  if (!(await endsWithin('end the operations under way', queue.idle(), timeoutMs))) await registry.close(0)
  await queue.idle()
  await registry.close()
}

/** Before anybody can ask for them: who does then waits for those that run, and for those that are still to be started. */
async function expectDrivers(
  { settings }: DaemonOptions,
  { discovery, supervisor, quiet }: DriverRoom,
  parts: Rollback,
): Promise<void> {
  parts.defer('stop looking for drivers', () => discovery.close())
  parts.defer('stop watching over drivers', () => {
    quiet[Symbol.dispose]()
    return supervisor.close()
  })
  await discovery.start()
  quiet.start()
  supervisor.announce(settings.spawn)
}
