// The machine's own routes, which no network of conet may take addresses from.
import { MAIN_TABLE, type Route, Rtnl } from '@conet/sdk/linux'

/** Destinations of the main table, with a name for messages. The default routes are among them. */
export function machineRoutes(): { subnet: string; owner: string }[] {
  using rtnl = Rtnl.open()
  return rtnl
    .routes({ table: MAIN_TABLE })
    .filter(isForAddresses)
    .map(({ destination }) => ({
      subnet: asPrefix(destination),
      owner: `the machine’s route to ${destination}`,
    }))
}

/** Every link has routes for multicast and link-local addresses; no network has these. */
function isForAddresses({ destination, type }: Route): boolean {
  return type !== 'multicast' && !destination.startsWith('fe80:') && !destination.startsWith('ff')
}

function asPrefix(destination: string): string {
  if (destination === 'default') return '0.0.0.0/0'
  return destination === 'default6' ? '::/0' : destination
}
