// The kernel's own switch of IPv6 at an interface. A machine, or a sandbox, may have it off for all that is new; where an interface
// of the driver's is to have IPv6 addresses it is on, or the kernel refuses them (EACCES).
import { interfaceSysctl, KernelError, type Place, readSysctlIfThere, writeSysctl } from '../linux/index.ts'

const keyOf = (interfaceName: string) => interfaceSysctl('ipv6', { interfaceName, setting: 'disable_ipv6' })

/** Answers in words that it was off. May be repeated. */
export function switchIpv6On(place: Place, interfaceName: string): string[] {
  try {
    const previous = writeSysctl(place, { key: keyOf(interfaceName), value: 0 })
    return previous === '0' ? [] : ['IPv6 was switched off (disable_ipv6)']
  } catch (error) {
    // No IPv6 in this kernel: what needs it is refused.
    if (KernelError.is(error, 'ENOENT')) return []
    throw error
  }
}

/** Also of an interface that is gone, or of a kernel without IPv6, which is said elsewhere. */
export function isIpv6On(interfaceName: string): boolean {
  return (readSysctlIfThere(undefined, keyOf(interfaceName)) ?? '0') === '0'
}
