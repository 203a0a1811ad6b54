// The routes to the subnets of a link's addresses: the kernel makes them with the addresses, but somebody may have
// deleted them since.
import { appendRoute, MAIN_TABLE, type NewRoute, subnetRoute } from './route.ts'
import type { Rtnl } from './rtnl.ts'

type AddressedLink = { readonly link: number; readonly addresses: readonly string[] }

/** Answers what was missing. Routes of other links to the same subnets stay, as they do when the kernel makes its own. */
export function mendSubnetRoutes(rtnl: Rtnl, addressed: AddressedLink): NewRoute[] {
  const missing = missingSubnetRoutes(rtnl, addressed)
  rtnl.batch(missing.map(appendRoute), { tolerate: ['EEXIST'] })
  return missing
}

/** One for each subnet that has none over the link. */
export function missingSubnetRoutes(rtnl: Rtnl, { link, addresses }: AddressedLink): NewRoute[] {
  const there = new Set(rtnl.routes({ link, table: MAIN_TABLE }).map(({ destination }) => destination))
  return addresses.flatMap((address) => {
    const route = subnetRoute({ link, address })
    if (route === undefined || there.has(route.destination)) return []
    there.add(route.destination)
    return [route]
  })
}
