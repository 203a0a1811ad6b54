// Which records of conet are not as they should be. Each code is explained in docs/operating.md.
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { type Check, counted, some } from './check.ts'

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

export const endpointsInTrouble: Check = ({ endpoints }) => {
  const failed = endpoints.filter(({ lastError, state }) => lastError !== undefined && state !== 'deleting')
  if (failed.length === 0) return []
  return [
    {
      severity: 'error',
      code: 'endpoint-in-trouble',
      message: `${failed.length === 1 ? '1 endpoint is not as it' : `${failed.length} endpoints are not as they`} should be: ${some(
        failed.map(({ id, handle, lastError }) => `${id.slice(0, 12)} of container ${handle} (${lastError})`),
      )}`,
      help: 'conet reconcile mends what it can, and says what it cannot; those: unplug and plug again',
    },
  ]
}

export const networksInTrouble: Check = ({ troubledNetworks }) => {
  if (troubledNetworks.length === 0) return []
  return [
    {
      severity: 'error',
      code: 'network-in-trouble',
      message: `${troubledNetworks.length === 1 ? '1 network is not as it' : `${troubledNetworks.length} networks are not as they`} should be on this machine: ${some(
        troubledNetworks.map(
          ({ network: { name, type }, reason }) => `${name} of driver ${type} (${reason})`,
        ),
      )}`,
      help: 'conet reconcile mends it, or says what stands in the way; conetd tries it by itself now and then',
    },
  ]
}

/** One for each driver: it is what a person can do something about. */
export const deletionsPending: Check = ({ endpoints, networks, drivers }) =>
  [...new Set(networks.map(({ type }) => type))].flatMap((type) => {
    const own = networks.filter((network) => network.type === type)
    const waiting = own.flatMap((network) => [
      ...endpoints
        .filter(({ networkId, state }) => networkId === network.id && state === 'deleting')
        .map((endpoint) => leavingEndpoint(endpoint, network)),
      ...(network.state === 'deleting' ? [`network ${network.name}${since(network)}`] : []),
    ])
    if (waiting.length === 0) return []
    const state = drivers.find(({ name }) => name === type)?.state ?? 'away'
    const verb = waiting.length === 1 ? 'waits' : 'wait'
    return [
      {
        severity: 'warning' as const,
        code: 'deletions-pending',
        message: `${counted(waiting.length, 'deletion')} ${verb} for driver ${type} (${state}): ${some(waiting)}`,
        help: `start driver ${type} if it is away: it is told at once, and addresses stay reserved until it confirms`,
      },
    ]
  })

function leavingEndpoint(endpoint: EndpointRecord, network: NetworkRecord): string {
  const { id, handle } = endpoint
  return `endpoint ${id.slice(0, 12)} of container ${handle} in network ${network.name}${since(endpoint)}`
}

function since({ buriedAt }: { buriedAt?: string | undefined }): string {
  return buriedAt === undefined ? '' : ` since ${buriedAt}`
}
