// What a standby answers to a sync says only whether it can take over: what works does so by another instance, and its
// record is of that one.
import { ConetError, type SyncFailure } from '@conet/sdk'
import { isWanted } from '../domain/endpoint.ts'
import { isAltered } from './altered-interfaces.ts'
import type { HostContext } from './host-context.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'

/** Gone or none, which is not the fault of the driver that is told of it. */
const faultOfSandbox = 'invalidSandbox'

/** What somebody has put into the container keeps every instance from mending what it took away there. */
const inTheWay = 'conflict'

/** Throws `failedPrecondition` when the standby cannot make what the instance in charge has made. */
export function assertTakesOver(host: HostContext, driver: string, failed: readonly SyncFailure[]): void {
  const [first, ...others] = failed.filter((failure) => isOfTheStandby(host, failure))
  if (first === undefined) return
  const { networkId, endpointId, error } = first
  const what = endpointId === undefined ? `network ${networkId}` : `endpoint ${endpointId}`
  const more = others.length > 0 ? `, and ${others.length} more` : ''
  const message = `switch driver "${driver}" to another instance: it could not make ${what}: ${error.message}${more}`
  throw new ConetError('failedPrecondition', message, {
    help: 'The instance in charge goes on; see the log of the new one.',
  })
}

/** What is gone meanwhile, or does not work by the instance in charge either, speaks against nobody. */
function isOfTheStandby(host: HostContext, { networkId, endpointId, error }: SyncFailure): boolean {
  if (error.name === faultOfSandbox || host.repairs.has(endpointId ?? networkId)) return false
  if (endpointId !== undefined) {
    const endpoint = host.inventory.endpoints.get(endpointId)
    if (endpoint === undefined || !isWanted(endpoint)) return false
    return error.name !== inTheWay || !isAltered(host, endpoint)
  }
  const network = host.inventory.networks.get(networkId)
  return network !== undefined && shouldBeAtDriver(host, network)
}
