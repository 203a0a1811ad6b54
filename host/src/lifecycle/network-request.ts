// What a client asks of a new network, judged as a whole before anything is made: one answer names all that is wrong.
import { ConetError } from '@conet/sdk'
import type { CreateNetworkBody } from '@conet/sdk/api'
import { shortestPrefix } from '../domain/resolve.ts'
import { checkPolicy } from './check-policy.ts'
import type { DriverSession } from './driver-access.ts'
import type { HostContext, Operation } from './host-context.ts'
import { namingField } from './named-field.ts'
import { defaultPolicyPath } from './policy-refusal.ts'
import { RequestFaults } from './request-faults.ts'

/** The driver that is to make it. What is wrong with its subnets alone is said when they are chosen. */
export async function driverForRequest(
  host: HostContext,
  body: CreateNetworkBody,
  operation: Operation,
): Promise<DriverSession> {
  const faults = new RequestFaults()
  const session = await judge(host, { body, faults }, operation)
  if (session !== undefined && !faults.any) return session
  faults.of(() => host.addresses.chooseSubnets(body))
  throw faults.error
}

/** Who copies the first digits of an id from a list would mean the new network by them. */
export function refuseNameLikeId(host: HostContext, name: string): void {
  for (const { id, name: other } of host.inventory.networks.values()) {
    if (name.length < shortestPrefix || !id.startsWith(name)) continue
    const message = `is how the id of network ${other} begins; choose another`
    throw new ConetError('invalidArgument', `create network ${name}: name: ${message}`, {
      fields: [{ path: 'name', message }],
      details: { networkId: id },
    })
  }
}

/** Throws that the name is missing, and what else is wrong. */
export async function refuseNameless(
  host: HostContext,
  body: CreateNetworkBody,
  operation: Operation,
): Promise<never> {
  const faults = new RequestFaults()
  faults.of(() => {
    throw new ConetError('invalidArgument', 'create network: name is required', {
      fields: [{ path: 'name', message: 'is required, unless generate_name is true' }],
    })
  })
  await judge(host, { body, faults }, operation)
  faults.of(() => host.addresses.chooseSubnets(body))
  throw faults.error
}

async function judge(
  host: HostContext,
  { body, faults }: { body: CreateNetworkBody; faults: RequestFaults },
  operation: Operation,
): Promise<DriverSession | undefined> {
  const { type, config = {}, default_policy: policy, internal: isInternal = false } = body
  const session = await faults.ofLater(() => driverOf(host, type, operation))
  if (session === undefined) return undefined
  await faults.ofLater(() => session.documents.check('config', config, 'config'))
  if (policy !== undefined)
    await faults.ofLater(() => checkPolicy(session, { policy, at: defaultPolicyPath, isInternal }, operation))
  return session
}

async function driverOf(host: HostContext, type: string, operation: Operation): Promise<DriverSession> {
  try {
    return await host.drivers.require(type, operation)
  } catch (error) {
    throw ConetError.is(error, 'unknownDriver') ? namingField(error, 'type') : error
  }
}
