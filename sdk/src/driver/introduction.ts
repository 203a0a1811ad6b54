// How a driver introduces itself: the answer to `initialize`.
import { defaultLimits } from '../jsonrpc/index.ts'
import type { InitializeResult } from '../protocol/index.ts'
import type { Driver } from './driver.ts'
import { methodsOf } from './driver-calls.ts'

export type Chosen = Pick<InitializeResult, 'protocolVersion'> & {
  /** New with each start of the driver. */
  readonly instanceId: string
}

export function introduction(driver: Driver, { protocolVersion, instanceId }: Chosen): InitializeResult {
  const { name, vendor, version, configSchema, attachmentSchema, policySchema } = driver
  return {
    protocolVersion,
    driver: { name, ...(vendor !== undefined && { vendor }), version, instanceId },
    capabilities: {
      methods: methodsOf(driver),
      scope: driver.scope ?? 'local',
      ipam: driver.ipam ?? 'host',
      hotUpgrade: driver.hotUpgrade ?? false,
      // See ToldObjects.
      plugCreates: true,
      ...(driver.sandbox !== undefined && { sandbox: driver.sandbox }),
      ...(driver.segments !== undefined && { segments: driver.segments }),
      ...(driver.ports !== undefined && { ports: driver.ports }),
    },
    limits: { maxMessageBytes: defaultLimits.maxMessageBytes, maxInFlight: maxInFlightOf(driver) },
    ...(configSchema !== undefined && { configSchema }),
    ...(attachmentSchema !== undefined && { attachmentSchema }),
    ...(policySchema !== undefined && { policySchema }),
  }
}

/** How many calls of one connection are taken at once. */
export function maxInFlightOf({ maxInFlight = defaultLimits.maxInFlight }: Driver): number {
  return maxInFlight
}
