// A container is forgotten: down, then its endpoints, then what its client configured.
import { ConetError } from '@conet/sdk'
import { requireContainer } from './containers.ts'
import { outcomeOf, removeAll, takeDown } from './down.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import { containerQueue } from './keys.ts'

/** Throws `notFound` for a handle that nobody defined: the name may be a slip. */
export function removeContainer(host: HostContext, handle: string, operation: Operation): Promise<Removed> {
  requireContainer(host, handle)
  host.starting.abort(handle)
  return host.queue.run(containerQueue(handle), async () => {
    const failures: unknown[] = []
    const states: Removed[] = []
    try {
      states.push(await takeDown(host, handle, operation))
    } catch (error) {
      if (!ConetError.is(error)) throw error
      failures.push(error)
    }
    const removed = await removeAll(host, host.inventory.endpointsOfContainer(handle), operation)
    host.inventory.deleteContainer(handle)
    failpoint('host:container:forgotten')
    host.inventory.commit((change) => change.deleteSandbox(handle), 'removal')
    host.events.append({ type: 'container.removed', container: handle })
    const what = `remove container ${handle}`
    return outcomeOf(what, {
      states: [...states, ...removed.states],
      failures: [...failures, ...removed.failures],
    })
  })
}
