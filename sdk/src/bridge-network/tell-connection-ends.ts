// Tells the ends of connections that they are about to be cut. Without it they hear of it with the next thing that they send, or
// by their own timeouts; so what fails here is said, and stops nothing.
import type { HostHandle } from '../driver/index.ts'
import { ConetError } from '../errors/index.ts'
import { KernelError } from '../linux/index.ts'
import type { Flow } from '../linux/netfilter/index.ts'
import { type ConnectionEnd, resetConnections } from './connection-resets.ts'

export async function tellConnectionEnds(
  host: HostHandle,
  flows: readonly Flow[],
  { addresses, sandboxPath }: Pick<ConnectionEnd, 'addresses'> & { sandboxPath: string | undefined },
): Promise<void> {
  if (sandboxPath === undefined) return
  try {
    await resetConnections(flows, { addresses, sandboxPath })
  } catch (error) {
    if (!ConetError.is(error) && !KernelError.is(error)) throw error
    const message = `connections that a policy ends are not told so: ${error.message}`
    host.log({ level: 'warn', message })
  }
}
