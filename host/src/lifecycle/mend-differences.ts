// What differs between the record and what there is is mended, each thing by the operation that is there for it, in the
// queue of its object: others go on meanwhile.
import { ConetError } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import { restartLoopback } from '../sandbox/index.ts'
import { type Difference, differencesOf, notAtDriver } from './differences.ts'
import { takeDown } from './down.ts'
import type { HostContext, Operation } from './host-context.ts'
import { kernelRefused } from './kernel-refused.ts'
import { containerQueue } from './keys.ts'
import { removeUnknown } from './remove-unknown.ts'
import { noteDiverged, repairLater, retryRepair } from './repair.ts'
import { retryRemoval } from './retry-removal.ts'

export type Mended = Difference & {
  /** Why it could not be mended; absent: it is. */
  readonly error?: ConetError | undefined
}

/** One after the other, networks before their endpoints. What fails stays on record, and is tried again as ever. */
export async function mendDifferences(
  host: HostContext,
  drivers: readonly string[],
  operation: Operation,
): Promise<Mended[]> {
  const found = await differencesOf(host, drivers, { operationId: operation.id })
  const mended: Mended[] = []
  for (const difference of found)
    mended.push({ ...difference, ...(await mendDifference(host, difference, operation)) })
  const now = await differencesOf(host, drivers, { operationId: operation.id })
  const left = new Map(now.map((one) => [keyOf(one), one]))
  return mended.map((one) => {
    const same = left.get(keyOf(one))
    return one.error === undefined && same !== undefined
      ? { ...one, error: stillSo(same, host.repairs.reasonOf(one.id)) }
      : one
  })
}

/** What fails is tried again by itself, and shows why it has failed now. */
export async function mendDifference(
  host: HostContext,
  difference: Difference,
  operation: Operation,
): Promise<Pick<Mended, 'error'>> {
  const { object, id, problem } = difference
  try {
    await mend(host, difference, operation)
    return {}
  } catch (thrown) {
    // What the kernel refuses is about this object: the others are mended.
    const error = KernelError.is(thrown) ? kernelRefused(thrown) : thrown
    if (!ConetError.is(error)) throw error
    if (object !== 'sandbox' && (problem === 'missing' || problem === 'failing'))
      repairLater(host, { kind: object, id }, error.message)
    return { error }
  }
}

/** By the operation that is there for it. */
async function mend(host: HostContext, difference: Difference, operation: Operation): Promise<void> {
  const { object, id, problem, reason = notAtDriver } = difference
  if (object === 'endpoint' && problem !== 'unknown') noteDiverged(host, id, reason)
  if (object === 'sandbox') return mendSandbox(host, difference, operation)
  if (problem === 'removal-pending') return retryRemoval(host, { kind: object, id }, operation)
  if (problem === 'unknown') return removeStranger(host, difference, operation)
  return retryRepair(host, { kind: object, id }, operation)
}

async function removeStranger(
  host: HostContext,
  { object, id, networkId = '', driver = '' }: Difference,
  operation: Operation,
): Promise<void> {
  const session = await host.drivers.require(driver)
  const unknown =
    object === 'network'
      ? { networkIds: [id], endpoints: [] }
      : { networkIds: [], endpoints: [{ networkId, endpointId: id }] }
  await removeUnknown(host, session, unknown, { operationId: operation.id })
}

/** One that somebody took away ends its container; one that no container has is let go; of others it is the loopback. */
async function mendSandbox(
  host: HostContext,
  { id, container, problem }: Difference,
  operation: Operation,
): Promise<void> {
  if (container === undefined) return host.sandboxes.release(host.sandboxes.pathOf(id))
  await host.queue.run(containerQueue(container), async () => {
    const sandbox = host.inventory.sandboxes.get(container)
    if (sandbox?.state !== 'up') return
    if (problem === 'failing') restartLoopback(sandbox.path)
    else if (!host.sandboxes.isHeld(sandbox.path, sandbox.namespace))
      await takeDown(host, container, operation)
  })
}

function keyOf({ object, id, problem }: Difference): string {
  return `${object} ${id} ${problem}`
}

/** `failure`: why the try failed that was made, where it is on record and thrown nowhere. */
function stillSo({ object, id, reason }: Difference, failure: string | undefined): ConetError {
  const words = new Set([reason, failure].filter((one) => one !== undefined))
  const why = words.size === 0 ? '' : `: ${[...words].join('; ')}`
  return new ConetError('failedPrecondition', `mend ${object} ${id}: it is as before${why}`, {
    help: 'the log of conetd and that of the driver say more',
  })
}
