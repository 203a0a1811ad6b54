// What GET /status answers: where conetd lives, what it holds, and what stands in the way.
import { ConetError } from '@conet/sdk'
import type { DriverView, StatusView } from '@conet/sdk/api'
import type { DriverReader } from '../api/api-context.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Trouble } from '../cluster/node-presence.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import {
  type HostContext,
  homelessAttachments,
  lostSandboxes,
  unpluggedAttachments,
} from '../lifecycle/index.ts'
import { findingsOf, isAway, type MachineReader, type StatusFacts } from '../status/index.ts'
import { clusterOverview } from './cluster-view.ts'
import { endsWithin } from './ends-within.ts'
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
  /** Throws `notFound` for a driver that has no program here, `invalidArgument` for what is no name of one. */
  assertStartable(driver: string): Promise<void>
  readonly stores: Stores
  readonly machine: MachineReader
}

/** A driver that does not answer holds nobody up who asks how things are. */
const mostLookMs = 1_000

export async function statusReport(sources: StatusSources): Promise<StatusView> {
  const { settings, version, pid, startedAt, host } = sources
  const [{ machine, programTrouble }] = await Promise.all([
    sources.machine.read(),
    host.interfaces.look(),
    endsWithin('look at drivers', host.driverWatch.look(), mostLookMs),
  ])
  const drivers = sources.drivers.list()
  const overview = await clusterOverview(sources.cluster, settings.cluster)
  const { view: cluster, unfit, formerNames } = overview
  return {
    version,
    pid,
    started_at: startedAt.toISOString(),
    state_dir: settings.stateDir,
    run_dir: settings.runDir,
    driver_dir: settings.driverDir,
    socket: settings.socket,
    runtime_socket: settings.runtimeSocket,
    counts: countsOf(host, drivers.length),
    ...(cluster && { cluster }),
    findings: findingsOf({
      ...factsOf(sources),
      cluster: clusterTrouble(sources.cluster, overview.trouble),
      machine,
      programTrouble,
      drivers,
      withoutProgram: await namesWithoutProgram(sources, drivers),
      unfitNodes: unfit,
      formerNames,
    }),
  }
}

/** Of those that are away and have no process: which conetd could not start. */
async function namesWithoutProgram(
  { assertStartable }: StatusSources,
  drivers: readonly DriverView[],
): Promise<ReadonlySet<string>> {
  const away = drivers.filter((driver) => isAway(driver) && driver.pid === undefined).map(({ name }) => name)
  const found = await Promise.all(
    [...new Set(away)].map(async (name) => ((await hasProgram(name, assertStartable)) ? [] : [name])),
  )
  return new Set(found.flat())
}

async function hasProgram(name: string, assertStartable: StatusSources['assertStartable']): Promise<boolean> {
  try {
    await assertStartable(name)
    return true
  } catch (error) {
    // One that others could change is there, too: who starts it learns what to do.
    return !ConetError.is(error, 'notFound') && !ConetError.is(error, 'invalidArgument')
  }
}

function countsOf({ inventory, removals }: HostContext, drivers: number): StatusView['counts'] {
  return {
    networks: inventory.networks.size,
    containers: inventory.containers.size,
    endpoints: inventory.endpoints.size,
    drivers,
    pending_deletions: removals.size,
  }
}

/** All but what must be asked for first. */
function factsOf({
  settings,
  host,
  stores,
  cluster,
  strays,
}: StatusSources): Omit<
  StatusFacts,
  'machine' | 'programTrouble' | 'drivers' | 'withoutProgram' | 'unfitNodes' | 'formerNames' | 'cluster'
> {
  const { inventory } = host
  return {
    networks: [...inventory.networks.values()],
    endpoints: [...inventory.endpoints.values()].map((endpoint) => withTrouble(host, endpoint)),
    troubledNetworks: troubledNetworks(host),
    portPool: settings.ports,
    lostSandboxes: lostSandboxes(host),
    unreadableDowns: host.queuedDowns.unreadable(),
    ...neglected(host),
    now: new Date(),
    strays: strays(),
    isWithoutCluster: cluster === undefined,
    underlayAddress: settings.cluster?.underlayAddress,
    storeReplaced: cluster?.storeReplaced,
    contested: cluster?.contested,
    quarantined: [...stores.durable.quarantine(), ...stores.volatile.quarantine()],
  }
}

function troubledNetworks({ inventory, repairs }: HostContext): StatusFacts['troubledNetworks'] {
  return [...inventory.networks.values()].flatMap((network) => {
    const reason = repairs.troubleOf(network.id)
    return reason === undefined ? [] : [{ network, reason }]
  })
}

/** What is on record counts before what its driver said. */
function withTrouble({ repairs }: HostContext, endpoint: EndpointRecord): EndpointRecord {
  const lastError = endpoint.lastError ?? repairs.troubleOf(endpoint.id)
  return lastError === undefined ? endpoint : { ...endpoint, lastError }
}

function neglected(host: HostContext): Pick<StatusFacts, 'forsaken' | 'unused' | 'unplugged'> {
  const { inventory, forsaken, unused, cutOff } = host
  return {
    unplugged: [...inventory.containers.keys()].flatMap((handle) =>
      [...unpluggedAttachments(host, handle), ...homelessAttachments(host, handle)].map(
        ({ name, networkId }) => ({
          handle,
          network: inventory.networks.get(networkId)?.name ?? name,
          reason: cutOff.of(handle, name)?.reason,
          isGone: !inventory.networks.has(networkId),
          isLeft: host.cluster === undefined && inventory.networks.get(networkId)?.scope === 'global',
        }),
      ),
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

function clusterTrouble(cluster: Cluster | undefined, trouble: Trouble | undefined) {
  if (cluster === undefined || trouble === undefined) return undefined
  const { since, error } = trouble
  return {
    since: since.toISOString(),
    reason: error instanceof Error ? error.message : String(error),
    help: ConetError.is(error) ? error.help : undefined,
    isUnreachable: ConetError.is(error, 'failedPrecondition'),
    isNameTaken: ConetError.is(error, 'conflict'),
    behind: cluster.behind,
  }
}
