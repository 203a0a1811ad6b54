// Networks whose way out this machine is while it does not forward: for who asks what a repair would do. `conet status`
// says it too; nobody switches it on unasked, since the switch is the machine's own.
import { isRoutedBy } from '../domain/network.ts'
import { machineAddresses } from '../machine/addresses.ts'
import { forwardingSwitchesOff } from '../machine/forwarding.ts'
import type { Difference } from './differences.ts'
import type { HostContext } from './host-context.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'

/** Of these drivers. */
export function unforwardedNetworks(host: HostContext, drivers: readonly string[]): Difference[] {
  const off = forwardingSwitchesOff()
  if (off.length === 0) return []
  const addresses = machineAddresses()
  return [...host.inventory.networks.values()].flatMap((network): Difference[] => {
    if (!drivers.includes(network.type) || !shouldBeAtDriver(host, network)) return []
    const settings = off.filter(({ family }) => isRoutedBy(network, { addresses, family }))
    if (settings.length === 0) return []
    const reason = settings.map(({ setting }) => `${setting} is 0`).join('; ')
    return [{ object: 'network', id: network.id, problem: 'failing', driver: network.type, reason }]
  })
}
