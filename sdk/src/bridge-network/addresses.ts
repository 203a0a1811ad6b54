// Addresses as the driver sets them, and those that nobody but it may set at a port.
import { type Address, deleteAddress, type NewAddress, type Rtnl } from '../linux/index.ts'
import { isIpv6 } from './addressing.ts'

/** How the driver sets an address. */
export function newAddress(link: number, address: string): NewAddress {
  return { link, address, nodad: isIpv6(address) }
}

/**
 * Of the addresses of a port of the bridge those that somebody has set: the machine takes for its own what is sent there. A
 * link-local one of IPv6 counts at that link alone, to which nobody sends.
 */
export function strayAddresses(addresses: readonly Address[]): Address[] {
  return addresses.filter(({ address, scope }) => !(isIpv6(address) && scope === 'link'))
}

/** Answers what there was, in words. */
export function deleteStrayAddresses(rtnl: Rtnl, link: number): string[] {
  const stray = strayAddresses(rtnl.addresses({ link }))
  // With the first IPv4 address of a subnet the kernel deletes the others of that subnet.
  rtnl.batch(stray.map(deleteAddress), { tolerate: ['EADDRNOTAVAIL'] })
  return stray.map(({ address }) => `it had the address ${address}`)
}
