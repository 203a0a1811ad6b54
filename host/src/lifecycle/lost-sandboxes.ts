// Containers that are up and whose network namespace conet does not hold any more: somebody has unmounted it, or put another
// there. Nothing can be plugged into one, or taken out of it.
import type { SandboxRecord } from '../domain/container.ts'
import type { HostContext } from './host-context.ts'

export function lostSandboxes({ inventory, sandboxes }: HostContext): SandboxRecord[] {
  return [...inventory.sandboxes.values()].filter(
    ({ state, path, namespace }) => state === 'up' && !sandboxes.isHeld(path, namespace),
  )
}
