// What GET /status answers: where conetd lives, what it holds, and what stands in the way.
import { ConetError } from '@conet/sdk'
import type { StatusView } from '@conet/sdk/api'
import type { DriverReader } from '../api/api-context.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type HostContext, unpluggedAttachments } from '../lifecycle/index.ts'
import { findingsOf, type MachineReader, type StatusFacts } from '../status/index.ts'
import { clusterOverview } from './cluster-view.ts'
import type { Settings } from './settings.ts'
import type { Stores } from './stores.ts'

export type StatusSources = {
  readonly settings: Settings
  readonly version: string
  readonly pid: number
  readonly startedAt: Date
  readonly host: HostContext
  readonly cluster: Cluster | undefined
  readonly drivers: DriverReader
  /** What stands in the driver directory and is no socket. */
  strays(): readonly string[]
  readonly stores: Stores
  readonly machine: MachineReader
}

export async function statusReport(sources: StatusSources): Promise<StatusView> {
  const { settings, version, pid, startedAt, host, stores } = sources
  const { inventory, removals } = host
  const [machine] = await Promise.all([sources.machine.read(), host.interfaces.look()])
  const drivers = sources.drivers.list()
  const { view: cluster, unfit } = await clusterOverview(sources.cluster, settings.cluster)
  const findings = findingsOf({
    machine,
    networks: [...inventory.networks.values()],
    endpoints: [...inventory.endpoints.values()],
    troubledNetworks: troubledNetworks(host),
    portPool: settings.ports,
    drivers,
    ...neglected(host),
    now: new Date(),
    strays: sources.strays(),
    cluster: clusterTrouble(sources.cluster),
    underlayAddress: settings.cluster?.underlayAddress,
    unfitNodes: unfit,
    storeReplaced: sources.cluster?.storeReplaced,
    quarantined: [...stores.durable.quarantine(), ...stores.volatile.quarantine()],
  })
  return {
    version,
    pid,
    started_at: startedAt.toISOString(),
    state_dir: settings.stateDir,
    run_dir: settings.runDir,
    driver_dir: settings.driverDir,
    socket: settings.socket,
    runtime_socket: settings.runtimeSocket,
    counts: {
      networks: inventory.networks.size,
      containers: inventory.containers.size,
      endpoints: inventory.endpoints.size,
      drivers: drivers.length,
      pending_deletions: removals.size,
    },
    ...(cluster && { cluster }),
    findings,
  }
}

function troubledNetworks({ inventory, repairs }: HostContext): StatusFacts['troubledNetworks'] {
  return [...inventory.networks.values()].flatMap((network) => {
    const reason = repairs.reasonOf(network.id)
    return reason === undefined ? [] : [{ network, reason }]
  })
}

function neglected(host: HostContext): Pick<StatusFacts, 'forsaken' | 'unused' | 'unplugged'> {
  const { inventory, forsaken, unused, cutOff } = host
  return {
    unplugged: [...inventory.sandboxes.keys()].flatMap((handle) =>
      unpluggedAttachments(host, handle).map(({ name, networkId }) => ({
        handle,
        network: inventory.networks.get(networkId)?.name ?? name,
        reason: cutOff.of(handle, name)?.reason,
      })),
    ),
    forsaken: [...inventory.sandboxes.values()].flatMap((sandbox) => {
      const found = forsaken.of(sandbox)
      return found ? [{ handle: sandbox.handle, pid: sandbox.pid, downAt: found.downAt }] : []
    }),
    unused: [...inventory.containers.values()].flatMap((container) => {
      const found = unused.of(container)
      return found ? [{ handle: container.handle, ...found }] : []
    }),
  }
}

function clusterTrouble(cluster: Cluster | undefined) {
  const trouble = cluster?.trouble
  if (cluster === undefined || trouble === undefined) return undefined
  const { since, error } = trouble
  return {
    since: since.toISOString(),
    reason: error instanceof Error ? error.message : String(error),
    isUnreachable: ConetError.is(error, 'failedPrecondition'),
    isNameTaken: ConetError.is(error, 'conflict'),
    behind: cluster.behind,
  }
}
