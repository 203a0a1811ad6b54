// Interfaces that somebody has changed in a container: for who asks what a repair would do. Nothing of it is put on record,
// and nobody looks unasked, since a container may change what is its own.
import type { SandboxRecord } from '../domain/container.ts'
import { asHeld, type EndpointRecord } from '../domain/endpoint.ts'
import { interfaceDifferences, isLoopbackDown, isSandboxGone } from '../sandbox/index.ts'
import type { HostContext } from './host-context.ts'
import { inLots } from './in-lots.ts'
import type { MissingInterface } from './missing-interfaces.ts'

export async function alteredInterfaces(host: HostContext): Promise<MissingInterface[]> {
  const found: MissingInterface[] = []
  for await (const { handle } of inLots(host.inventory.sandboxes.values()))
    found.push(...alteredIn(host, handle))
  return found
}

/** Those that are up, and whose loopback is down. */
export async function withoutLoopback({ inventory }: HostContext): Promise<SandboxRecord[]> {
  const found: SandboxRecord[] = []
  for await (const sandbox of inLots(inventory.sandboxes.values()))
    if (sandbox.state === 'up' && isLoopbackDown(sandbox.path)) found.push(sandbox)
  return found
}

/** Whether its interfaces are not in its container as its record says. */
export function isAltered(host: HostContext, { id, handle }: EndpointRecord): boolean {
  return alteredIn(host, handle).some(({ endpoint }) => endpoint.id === id)
}

function alteredIn({ inventory }: HostContext, handle: string): MissingInterface[] {
  const sandbox = inventory.sandboxes.get(handle)
  if (sandbox?.state !== 'up') return []
  try {
    return inventory
      .endpointsOfContainer(handle)
      .filter((endpoint) => endpoint.state === 'plugged' && endpoint.hold === sandbox.hold)
      .flatMap((endpoint) => {
        const reasons = interfaceDifferences(
          sandbox.path,
          asHeld(endpoint, endpoint.result?.interfaces ?? []),
        )
        return reasons.length === 0 ? [] : [{ endpoint, reason: reasons.join('; ') }]
      })
  } catch (error) {
    if (isSandboxGone(error)) return []
    throw error
  }
}
