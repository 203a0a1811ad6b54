// Whether a namespace has room for the interfaces of a container that is to move there: it loses the one it is in first.
import { ConetError, type PluggedInterface } from '@conet/sdk'
import { MAIN_TABLE, Rtnl } from '@conet/sdk/linux'
import { openSource, type SandboxSource } from './sandbox-source.ts'

type Coming = Pick<PluggedInterface, 'name' | 'routes'>

/** Throws `conflict` for what is there already, and `invalidSandbox` where there is no such namespace. Changes nothing. */
export function assertRoom(source: SandboxSource, coming: readonly Coming[]): void {
  using namespace = openSource(source)
  if (namespace === undefined) return
  using rtnl = Rtnl.openIn(namespace)
  const names = new Set(coming.map(({ name }) => name))
  const link = rtnl.links().find(({ name }) => names.has(name))
  if (link !== undefined) throw taken(source, `an interface "${link.name}"`)
  const routes = new Set(coming.flatMap((made) => made.routes.map(keyOf)))
  const route = rtnl.routes({ table: MAIN_TABLE }).find((found) => routes.has(keyOf(found)))
  if (route !== undefined) throw taken(source, `a route to ${route.destination}`)
}

/** The kernel takes no second route for which these are the same. */
function keyOf({
  destination,
  metric = usualMetric(destination),
  table = MAIN_TABLE,
}: {
  destination: string
  metric?: number | undefined
  table?: number
}): string {
  return `${destination} ${metric} ${table}`
}

function usualMetric(destination: string): number {
  return destination.includes(':') ? 1024 : 0
}

function taken({ pid, netns }: SandboxSource, what: string): ConetError {
  const place = netns ?? `of the process ${pid}`
  return new ConetError('conflict', `the network namespace ${place} has ${what} already`, {
    details: { ...(netns !== undefined && { netns }), ...(pid !== undefined && { pid }) },
    help: 'the container stays where it is; remove what is in the way, or name another namespace',
  })
}
