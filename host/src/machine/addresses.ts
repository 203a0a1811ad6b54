// The addresses that the machine has, on whichever interface.
import { Rtnl } from '@conet/sdk/linux'
import { withoutPrefix } from '../ipam/index.ts'

/** Without prefix lengths. */
export function machineAddresses(): Set<string> {
  using rtnl = Rtnl.open()
  return new Set(rtnl.addresses().map(({ address }) => withoutPrefix(address)))
}
