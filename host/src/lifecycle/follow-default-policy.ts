// A network of the cluster has another default policy: this host's containers get it too. What cannot be put in force here
// is shown on its endpoint and tried again, since the cluster has decided.
import type { SharedNetwork } from '../cluster/records.ts'
import { changeThose, type DefaultChange, putDefault } from './change-default-policy.ts'
import type { DriverSession } from './driver-access.ts'
import { isDriverAway } from './driver-call.ts'
import type { HostContext, Operation } from './host-context.ts'
import { defaultPolicyQueue } from './keys.ts'
import { repairLater } from './repair.ts'

/** Nothing is done for what is on record already, or older than that. */
export function followDefaultPolicy(host: HostContext, shared: SharedNetwork): Promise<void> {
  return host.queue.run(defaultPolicyQueue(shared.id), () =>
    followNow(host, shared, { id: `default-policy-${shared.id}` }),
  )
}

/** As `followDefaultPolicy`, for callers that are inside the queue. */
export async function followNow(
  host: HostContext,
  shared: SharedNetwork,
  operation: Operation,
): Promise<void> {
  const { id, defaultPolicy: policy, policyRevision = 0 } = shared
  const known = host.inventory.networks.get(id)
  if (known?.state !== 'active' || policyRevision <= (known.policyRevision ?? 0)) return
  putDefault(host, known, { policy, policyRevision })
  const session = await sessionOf(host, known.type)
  // A driver that comes later is told what stands then.
  if (session === undefined) return
  const change: DefaultChange = {
    networkId: id,
    session,
    policy,
    done: [],
    failed: (endpointId, error) => tryAgain(host, endpointId, error),
  }
  await changeThose(host, change, operation)
}

async function sessionOf(host: HostContext, type: string): Promise<DriverSession | undefined> {
  try {
    return await host.drivers.require(type)
  } catch (error) {
    if (isDriverAway(error)) return undefined
    throw error
  }
}

function tryAgain(host: HostContext, endpointId: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  host.log.error({ endpointId, err: error }, 'the new default policy of a network is not in force yet')
  repairLater(host, { kind: 'endpoint', id: endpointId }, `its policy cannot be put in force: ${reason}`)
}
