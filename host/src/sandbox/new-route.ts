// A route of the protocol as the kernel toolkit takes it.
import type { PluggedInterface } from '@conet/sdk'
import type { NewRoute } from '@conet/sdk/linux'

type Route = PluggedInterface['routes'][number]

export function newRoute(
  link: number,
  { destination, gateway, metric, table, scope, source }: Route,
): NewRoute {
  return {
    link,
    destination,
    ...(gateway === undefined ? {} : { gateway }),
    ...(metric === undefined ? {} : { metric }),
    ...(table === undefined ? {} : { table }),
    ...(scope === undefined ? {} : { scope: scope === 'global' ? 'universe' : scope }),
    ...(source === undefined ? {} : { preferredSource: source }),
  }
}
