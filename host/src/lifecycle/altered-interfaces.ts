// Interfaces that somebody has changed in a container: for who asks what a repair would do. Nothing of it is put on record,
// and nobody looks unasked, since a container may change what is its own.

import type { SandboxRecord } from '../domain/container.ts'
import { interfaceDifferences, isLoopbackDown, isSandboxGone } from '../sandbox/index.ts'
import type { HostContext } from './host-context.ts'
import type { MissingInterface } from './missing-interfaces.ts'

/** Looked at without a pause; other work goes on after each lot. */
const lot = 16

export async function alteredInterfaces(host: HostContext): Promise<MissingInterface[]> {
  const found: MissingInterface[] = []
  for (const [index, { handle }] of [...host.inventory.sandboxes.values()].entries()) {
    if (index % lot === lot - 1) await new Promise(setImmediate)
    found.push(...alteredIn(host, handle))
  }
  return found
}

/** Those that are up, and whose loopback is down. */
export async function withoutLoopback({ inventory }: HostContext): Promise<SandboxRecord[]> {
  const found: SandboxRecord[] = []
  for (const [index, sandbox] of [...inventory.sandboxes.values()].entries()) {
    if (index % lot === lot - 1) await new Promise(setImmediate)
    if (sandbox.state === 'up' && isLoopbackDown(sandbox.path)) found.push(sandbox)
  }
  return found
}

function alteredIn({ inventory }: HostContext, handle: string): MissingInterface[] {
  const sandbox = inventory.sandboxes.get(handle)
  if (sandbox?.state !== 'up') return []
  try {
    return inventory
      .endpointsOfContainer(handle)
      .filter((endpoint) => endpoint.state === 'plugged' && endpoint.hold === sandbox.hold)
      .flatMap((endpoint) => {
        const reasons = interfaceDifferences(sandbox.path, endpoint.result?.interfaces ?? [])
        return reasons.length === 0 ? [] : [{ endpoint, reason: reasons.join('; ') }]
      })
  } catch (error) {
    if (isSandboxGone(error)) return []
    throw error
  }
}
