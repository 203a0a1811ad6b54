// conetd's two sockets: what the API needs is put together, and both listen.
import type { Rollback } from '@conet/sdk'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { ApiContext, DriverReader } from '../api/api-context.ts'
import { IdempotencyKeys } from '../api/idempotency-keys.ts'
import { buildServer } from '../api/server.ts'
import { listenOn, type SocketEvents, type StandingSocket } from '../api/standing-socket.ts'
import type { SocketPlace } from '../api/unix-socket.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type HostContext, takeQueuedDown } from '../lifecycle/index.ts'
import { ExternalAddress } from '../machine/external-address.ts'
import { OperationTimings } from '../metrics/operation-timings.ts'
import { MachineReader } from '../status/index.ts'
import type { DaemonOptions } from './daemon-options.ts'
import { driverReader } from './driver-reader.ts'
import type { DriverRoom } from './driver-room.ts'
import { endsWithin } from './ends-within.ts'
import { eventSource } from './event-history.ts'
import { inventoryReader } from './inventory-reader.ts'
import { MetricsRoom } from './metrics-room.ts'
import { nodeReader } from './node-reader.ts'
import { bindOperations } from './operations.ts'
import { poolReport } from './pool-report.ts'
import { previewReconciliation, reconcileNow } from './reconciliation.ts'
import type { Settings } from './settings.ts'
import { statusReport } from './status-report.ts'
import type { Stores } from './stores.ts'

/** What the API shows, and acts on. */
type Served = {
  readonly host: HostContext
  readonly room: DriverRoom
  readonly stores: Stores
  readonly cluster: Cluster | undefined
}

/** Returns when both sockets answer. */
export async function serve(options: DaemonOptions, served: Served, parts: Rollback): Promise<void> {
  const { settings, log } = options
  await listen(await apiContext(options, served, parts), settings, parts)
  takeQueuedDown(served.host)
  const { socket, runtimeSocket } = settings
  log.info(
    { socket, runtimeSocket, startMs: Math.round(performance.now()) },
    `conetd: listening on ${socket}`,
  )
}

async function apiContext(
  options: DaemonOptions,
  { host, room, stores, cluster }: Served,
  parts: Rollback,
): Promise<ApiContext> {
  const { settings, version, log } = options
  const startedAt = new Date()
  const drivers = driversOf({ host, room }, startedAt)
  const externalAddress = new ExternalAddress(settings.externalAddress)
  await externalAddress.refresh()
  const machine = machineReader(parts)
  const timings = new OperationTimings()
  const metrics = new MetricsRoom({ host, drivers, timings, version, log })
  parts.defer('load no metrics any more', () => metrics[Symbol.dispose]())
  return {
    version,
    operations: bindOperations(host, timings),
    inventory: inventoryReader(host),
    usageOf: (networkId) => host.addresses.usage(networkId),
    servesLegacyApi: settings.servesLegacyApi,
    externalAddress,
    drivers,
    nodes: nodeReader(cluster, host, { version, startedAt }),
    events: eventSource(host),
    pools: () => poolReport(host),
    reconciliation: reconciliation(host, drivers),
    metrics: () => metrics.scrape(),
    status: () =>
      statusReport({
        ...{ ...options, startedAt, host, cluster, drivers, stores, machine },
        strays: () => room.discovery.strays,
        assertStartable: (driver) => room.supervisor.assertStartable([driver]),
      }),
    idempotencyKeys: lastAnswers(stores, log, parts),
    log,
  }
}

function driversOf({ host, room }: Pick<Served, 'host' | 'room'>, startedAt: Date): DriverReader {
  const isNeeded = (name: string) => [...host.inventory.networks.values()].some(({ type }) => type === name)
  return driverReader(room, startedAt, isNeeded)
}

function machineReader(parts: Rollback): MachineReader {
  const machine = new MachineReader()
  parts.defer('end the thread that looks at the machine', () => machine.close())
  return machine
}

function reconciliation(host: HostContext, drivers: DriverReader): ApiContext['reconciliation'] {
  return {
    preview: (operation) => previewReconciliation(host, drivers, operation),
    run: (operation) => reconcileNow(host, drivers, operation),
  }
}

/** Whoever is connected goes on. */
function tellingOf(path: string, log: Logger): SocketEvents {
  return {
    onRenewed: () => log.warn({ socket: path }, `conetd listens on ${path} again: its file had been removed`),
    onLost: (err) =>
      log.error(
        { socket: path, err },
        `nobody reaches conetd at ${path} any more; it listens again when nothing else is there`,
      ),
  }
}

function lastAnswers({ volatile }: Stores, log: Logger, parts: Rollback): IdempotencyKeys {
  const keys = new IdempotencyKeys({
    store: volatile,
    onError: (err) => log.warn({ err }, 'an answer is not kept for its Idempotency-Key'),
  })
  parts.defer('keep the last answers', () => keys.flush())
  return keys
}

async function listen(context: ApiContext, settings: Settings, parts: Rollback): Promise<void> {
  const runtime = buildServer(context, 'runtime')
  const clients = buildServer(context, 'client')
  const sockets: StandingSocket[] = []
  parts.defer('end the requests under way', async () => {
    await Promise.all(sockets.map((one) => one.leave()))
    const closed = Promise.all([runtime.close(), clients.close(), ...sockets.map((one) => one.ended())])
    if (!(await endsWithin('end the requests under way', closed, settings.stopTimeoutMs))) {
      // Those who wait longer for an answer do not get one; what they asked for ends next.
      for (const app of [runtime, clients]) app.server.closeAllConnections()
    }
    await closed
  })
  const listenAt = async (app: FastifyInstance, place: SocketPlace) =>
    void sockets.push(await listenOn(app, place, tellingOf(place.path, context.log)))
  await listenAt(runtime, { path: settings.runtimeSocket, mode: 0o600 })
  await listenAt(clients, { path: settings.socket, mode: 0o660, group: 'conet' })
}
