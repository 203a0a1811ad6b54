// Network specs of a container as attachments: to networks that exist, or to ones of its own that begin with it.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { NetworkSpec } from '@conet/sdk/api'
import type { Attachment } from '../domain/container.ts'
import { newId } from '../domain/ids.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { splitConfig } from '../domain/network-spec.ts'
import { networkAt } from './attachments.ts'
import { checkPolicy } from './check-policy.ts'
import type { DriverSession } from './driver-access.ts'
import type { HostContext, Operation } from './host-context.ts'
import { namingField } from './named-field.ts'
import { RequestFaults } from './request-faults.ts'

/** One spec as the container's record has it. */
export type SpecifiedAttachment = {
  readonly attachment: Attachment
  /** What the spec says of the attachment's policy; absent: nothing. */
  readonly policy?: Record<string, unknown>
}

/**
 * Changes nothing. In the order of the specs; `at` is where they stand in the request: `network_specs`. Throws
 * `unknownDriver` that names the known ones, `conflict` for a network of another type, and `invalidArgument` for what
 * the driver's schemas refuse.
 */
export async function specifiedAttachments(
  host: HostContext,
  { specs, at }: { specs: readonly NetworkSpec[]; at: string },
  operation: Operation,
): Promise<SpecifiedAttachment[]> {
  const faults = new RequestFaults()
  const attachments: SpecifiedAttachment[] = []
  for (const [index, spec] of specs.entries()) {
    const placed = { spec, at: `${at}[${index}]` }
    const attachment = await faults.ofLater(() => specified(host, placed, operation))
    if (attachment !== undefined) attachments.push(attachment)
  }
  faults.throwIfAny()
  return attachments
}

async function specified(
  host: HostContext,
  { spec, at }: { spec: NetworkSpec; at: string },
  operation: Operation,
): Promise<SpecifiedAttachment> {
  const existing = networkOf(host, spec, at)
  const session = await driverOf(host, { spec, at }, operation)
  const path = `${at}.config`
  const { config, policy } = splitConfig(spec.config ?? {}, session.driver, path)
  const faults = new RequestFaults()
  const isInternal = existing?.internal ?? false
  if (policy !== undefined)
    await faults.ofLater(() => checkPolicy(session, { policy, at: path, isInternal }, operation))
  const common = {
    name: spec.name,
    addresses: [],
    ...(spec.primary !== undefined && { primary: spec.primary }),
  }
  const withPolicy = policy === undefined ? {} : { policy }
  if (existing !== undefined) {
    const options = beyond(existing.config, config)
    await faults.ofLater(() => session.documents.check('attachment', options, path))
    faults.throwIfAny()
    return { attachment: { ...common, networkId: existing.id, options }, ...withPolicy }
  }
  refuseShared(host, { session, spec, at })
  await faults.ofLater(() => session.documents.check('config', config, path))
  faults.throwIfAny()
  const own = { type: spec.type, config }
  return { attachment: { ...common, networkId: newId(), options: {}, own }, ...withPolicy }
}

/** The network of that name, by which the spec is then meant. */
function networkOf(host: HostContext, { name, type }: NetworkSpec, at: string): NetworkRecord | undefined {
  const named = [...host.inventory.networks.values()].some((network) => network.name === name)
  if (!named) return undefined
  const network = networkAt(host, name, `${at}.name`)
  if (network.type === type) return network
  const message = `network ${name} is of type ${network.type}, not ${type}`
  throw new ConetError('conflict', `${at}.type: ${message}`, {
    fields: [{ path: `${at}.type`, message }],
    details: { networkId: network.id, type: network.type },
    help: `say type ${network.type}, or another name`,
  })
}

async function driverOf(
  host: HostContext,
  { spec, at }: { spec: NetworkSpec; at: string },
  operation: Operation,
): Promise<DriverSession> {
  try {
    return await host.drivers.require(spec.type, operation)
  } catch (error) {
    throw ConetError.is(error, 'unknownDriver') ? namingField(error, `${at}.type`) : error
  }
}

/** What the network does not say already: wishes of this attachment. */
function beyond(
  ofNetwork: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const others = Object.entries(config).filter(([key, value]) => !isDeepStrictEqual(ofNetwork[key], value))
  return Object.fromEntries(others)
}

/** All hosts know a network of such a driver by its name: it is nobody's own. */
function refuseShared(
  host: HostContext,
  { session, spec, at }: { session: DriverSession; spec: NetworkSpec; at: string },
): void {
  if (session.driver.capabilities.scope !== 'global' || host.cluster === undefined) return
  const message = `there is no network ${spec.name}, and those of driver ${spec.type} are the cluster’s`
  throw new ConetError('notFound', `${at}.name: ${message}`, {
    fields: [{ path: `${at}.name`, message }],
    help: `create it first: conet net create ${spec.name} --driver ${spec.type}`,
  })
}
