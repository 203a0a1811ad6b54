// Which records of conet are not as they should be. Each code is explained in docs/operating.md.
import type { EndpointRecord } from '../domain/endpoint.ts'
import { isForgettable, type NetworkRecord } from '../domain/network.ts'
import { type Check, counted, some } from './check.ts'
import type { StatusFacts } from './facts.ts'

export const recordsQuarantined: Check = ({ quarantined }) => {
  if (quarantined.length === 0) return []
  const named = some(quarantined.map(({ table, key }) => `${table}/${key}`))
  return [
    {
      severity: 'error',
      code: 'records-quarantined',
      message: `${counted(quarantined.length, 'record')} could not be read and set aside: ${named} (${quarantined[0]?.reason})`,
      help: 'make those objects again; the log of conetd has the reason for each',
    },
  ]
}

const withClusterAgain =
  'start conetd with --cluster and --underlay-address, as it was before: without them what this host has in networks of a cluster is not mended'

export const endpointsInTrouble: Check = (facts) => {
  const isOfCluster = ofClusterThatWasLeft(facts)
  const names = new Map(facts.networks.map(({ id, name }) => [id, name]))
  const failed = facts.endpoints.filter(
    ({ lastError, state }) => lastError !== undefined && state !== 'deleting',
  )
  return byCause(failed, ({ networkId }) => isOfCluster(networkId)).map(({ of, isLeft }) => ({
    severity: 'error' as const,
    code: 'endpoint-in-trouble',
    message: `${of.length === 1 ? '1 endpoint is not as it' : `${of.length} endpoints are not as they`} should be: ${some(
      of.map(
        ({ id, handle, networkId, lastError }) =>
          `${id.slice(0, 12)} of container ${handle} in network ${names.get(networkId) ?? networkId} (${lastError})`,
      ),
    )}`,
    help: isLeft
      ? withClusterAgain
      : 'conet reconcile mends what it can, and says what it cannot: remove what stands in the way in the container, else unplug and plug again (with --no-default-route where a default route of its own is in the way)',
  }))
}

export const networksInTrouble: Check = (facts) => {
  const isOfCluster = ofClusterThatWasLeft(facts)
  return byCause(facts.troubledNetworks, ({ network }) => isOfCluster(network.id)).map(({ of, isLeft }) => ({
    severity: 'error' as const,
    code: 'network-in-trouble',
    message: `${of.length === 1 ? '1 network is not as it' : `${of.length} networks are not as they`} should be on this machine: ${some(
      of.map(({ network: { name, type }, reason }) => `${name} of driver ${type} (${reason})`),
    )}`,
    help: isLeft
      ? withClusterAgain
      : 'conet reconcile mends it, or says what stands in the way; conetd tries it by itself now and then',
  }))
}

/** Of networks of a cluster in which this host is no more. */
function ofClusterThatWasLeft({ networks, isWithoutCluster = false }: StatusFacts) {
  const shared = networks.filter(({ scope }) => isWithoutCluster && scope === 'global')
  const ids = new Set(shared.map(({ id }) => id))
  return (networkId: string) => ids.has(networkId)
}

/** What is mended here, and what only in the cluster that this host has left; neither where there is none. */
function byCause<T>(troubled: readonly T[], isLeft: (one: T) => boolean): { of: T[]; isLeft: boolean }[] {
  const here = troubled.filter((one) => !isLeft(one))
  const left = troubled.filter(isLeft)
  return [
    { of: here, isLeft: false },
    { of: left, isLeft: true },
  ].filter(({ of }) => of.length > 0)
}

/** One for each driver: it is what a person can do something about. */
export const deletionsPending: Check = ({ endpoints, networks, drivers }) =>
  [...new Set(networks.map(({ type }) => type))].flatMap((type) => {
    const own = networks.filter((network) => network.type === type)
    const perNetwork = own
      .map((network) => ({ network, left: leavingOf(network, endpoints) }))
      .filter(({ left }) => left.length > 0)
    const waiting = perNetwork.flatMap(({ left }) => left)
    if (waiting.length === 0) return []
    const state = drivers.find(({ name }) => name === type)?.state ?? 'away'
    const verb = waiting.length === 1 ? 'waits' : 'wait'
    return [
      {
        severity: 'warning' as const,
        code: 'deletions-pending',
        message: `${counted(waiting.length, 'deletion')} ${verb} for driver ${type} (${state}): ${some(waiting)}`,
        help: `start driver ${type} if it is away: it is told at once, and addresses stay reserved until it confirms${withoutDriver(perNetwork.map(({ network }) => network))}`,
      },
    ]
  })

function leavingOf(network: NetworkRecord, endpoints: StatusFacts['endpoints']): string[] {
  return [
    ...endpoints
      .filter(({ networkId, state }) => networkId === network.id && state === 'deleting')
      .map((endpoint) => leavingEndpoint(endpoint, network)),
    ...(network.state === 'deleting' ? [`network ${network.name}${since(network)}`] : []),
  ]
}

/** A network that other hosts have is not this one's to forget. */
function withoutDriver(networks: readonly NetworkRecord[]): string {
  if (!networks.some(isForgettable)) return ''
  const others = networks.every(isForgettable) ? '' : ' (not for those that other hosts of the cluster have)'
  return `; if it is gone for good: conet net rm NETWORK --forget${others}`
}

function leavingEndpoint(endpoint: EndpointRecord, network: NetworkRecord): string {
  const { id, handle } = endpoint
  return `endpoint ${id.slice(0, 12)} of container ${handle} in network ${network.name}${since(endpoint)}`
}

function since({ buriedAt }: { buriedAt?: string | undefined }): string {
  return buriedAt === undefined ? '' : ` since ${buriedAt}`
}
