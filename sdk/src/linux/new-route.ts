// A route of the protocol as requests to the kernel take it.
import type { Route } from '../protocol/index.ts'
import type { NewRoute } from './rtnetlink/index.ts'

/** A route of the protocol as `addRoute` and its like take it; `link` is the index of its interface. */
export function newRoute(
  link: number,
  { destination, gateway, metric, table, scope, source }: Route,
): NewRoute {
  return {
    destination,
    link,
    ...(gateway !== undefined && { gateway }),
    ...(metric !== undefined && { metric }),
    ...(table !== undefined && { table }),
    ...(scope !== undefined && { scope: scope === 'global' ? 'universe' : scope }),
    ...(source !== undefined && { preferredSource: source }),
  }
}
