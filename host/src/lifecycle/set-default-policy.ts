// The default policy of a network changes, and with it that of every container that has none of its own: all, or none.
// In a cluster: all of this host, or none; then the other hosts follow.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { SharedNetwork } from '../cluster/records.ts'
import { assertUsable, type NetworkRecord } from '../domain/network.ts'
import type { PolicyDocument } from '../domain/policy.ts'
import { resolveKey } from '../domain/resolve.ts'
import { changeThose, type DefaultChange, putDefault, takeBack } from './change-default-policy.ts'
import { checkPolicy } from './check-policy.ts'
import { assertTakesPolicies } from './endpoint-policy.ts'
import { failpoint } from './failpoints.ts'
import { followNow } from './follow-default-policy.ts'
import type { HostContext, Operation } from './host-context.ts'
import { defaultPolicyQueue } from './keys.ts'
import { defaultPolicyPath as at } from './policy-refusal.ts'

/**
 * `null`: none from now on. Throws as `setPolicies` does, and `clusterUnavailable`; then all is as before, or on record as
 * diverged. May be repeated.
 */
export function setDefaultPolicy(
  host: HostContext,
  key: string,
  policy: PolicyDocument | null,
  operation: Operation,
): Promise<NetworkRecord> {
  const { id } = resolveKey(key, host.inventory.networks.values(), 'network')
  return host.queue.run(defaultPolicyQueue(id), () => setNow(host, id, policy ?? undefined, operation))
}

async function setNow(
  host: HostContext,
  networkId: string,
  policy: PolicyDocument | undefined,
  operation: Operation,
): Promise<NetworkRecord> {
  const network = usableNetwork(host, networkId)
  const session = await host.drivers.require(network.type, operation)
  if (policy !== undefined) {
    assertTakesPolicies(session, at)
    await checkPolicy(session, { policy, at, isInternal: network.internal }, operation)
  }
  const change: DefaultChange = { networkId, session, policy, done: [] }
  try {
    if (network.scope === 'global') return await setInCluster(host, change, operation)
    await changeAll(host, change, operation)
    failpoint('host:policy:before-default')
    const changed = putDefault(host, usableNetwork(host, networkId), { policy })
    failpoint('host:policy:after-default')
    return changed
  } catch (error) {
    await takeBack(host, change.done)
    throw error
  }
}

/** Endpoints come while others change; with the last one changed the network's record is to follow at once. */
async function changeAll(host: HostContext, change: DefaultChange, operation: Operation): Promise<void> {
  while (await changeThose(host, change, operation)) operation.signal?.throwIfAborted()
}

/**
 * The store is asked first, so that nothing is done while it is away, and written last, when all here have the policy.
 * Where it is unknown whether it was written the containers here get back what they had: the directory tells soon.
 */
async function setInCluster(
  host: HostContext,
  change: DefaultChange,
  operation: Operation,
): Promise<NetworkRecord> {
  const { networkId, policy } = change
  if (host.cluster === undefined) {
    const message = `set ${at}: the network is one of a cluster, and this host is in none`
    throw new ConetError('failedPrecondition', message, { help: 'start conetd with --cluster' })
  }
  const shared = await host.cluster.changeNetwork(
    networkId,
    async (known) => {
      await changeAll(host, change, operation)
      const own = usableNetwork(host, networkId).policyRevision ?? 0
      return withDefault(known, { policy, atLeast: own })
    },
    operation,
  )
  failpoint('host:policy:before-default')
  await followNow(host, shared, operation)
  failpoint('host:policy:after-default')
  return usableNetwork(host, networkId)
}

/** In a revision that nobody has had, or the very same. */
function withDefault(
  known: SharedNetwork,
  { policy, atLeast }: { policy: PolicyDocument | undefined; atLeast: number },
): SharedNetwork {
  const { defaultPolicy, policyRevision = 0, ...rest } = known
  if (isDeepStrictEqual(defaultPolicy, policy) && policyRevision >= atLeast) return known
  const next = Math.max(policyRevision, atLeast) + 1
  return { ...rest, ...(policy !== undefined && { defaultPolicy: policy }), policyRevision: next }
}

/** Throws for a network that cannot change it now. */
function usableNetwork(host: HostContext, networkId: string): NetworkRecord {
  const network = host.inventory.networks.get(networkId)
  if (network === undefined) throw new ConetError('notFound', `set ${at}: network ${networkId} is gone`)
  assertUsable(network, `set ${at}`)
  return network
}
