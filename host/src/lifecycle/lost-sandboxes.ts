// Containers that are up and whose network namespace conet does not hold any more: somebody has unmounted it, or put another
// there. Nothing can be plugged into one, or taken out of it.
import { ConetError } from '@conet/sdk'
import type { SandboxRecord } from '../domain/container.ts'
import { shellWord } from '../domain/shell-word.ts'
import { isSandboxGone } from '../sandbox/index.ts'
import type { HostContext } from './host-context.ts'

export function lostSandboxes({ inventory, sandboxes }: HostContext): SandboxRecord[] {
  return [...inventory.sandboxes.values()].filter(
    ({ state, path, namespace }) => state === 'up' && !sandboxes.isHeld(path, namespace),
  )
}

/** Runs `work`, which plugs into the sandbox; of one that is lost for everybody no driver can say that. */
export async function namingLost<T>(
  { sandboxes }: HostContext,
  { handle, path, namespace }: SandboxRecord,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!isSandboxGone(cause) || sandboxes.isHeld(path, namespace)) throw cause
    const message = `plug container ${handle}: its network namespace is not at ${path} any more, where conet held it`
    throw new ConetError('failedPrecondition', message, {
      cause,
      details: { container: handle, path },
      help: `end it with its runtime, or conet container down ${shellWord(handle)}; then start it again`,
    })
  }
}
