// Lets the machine forward packets where a network needs a way out. It is switched on and never off: others may have
// come to rely on it. What it must not change is how the machine itself learns its IPv6 routes.
import {
  interfaceSysctl,
  KernelError,
  type Rtnl,
  readSysctl,
  type SysctlChange,
  type SysctlKey,
  writeSysctl,
} from '../linux/index.ts'

export type ForwardingNeed = { bridge: string; ipv4: boolean; ipv6: boolean }

const allIpv6Forwarding: SysctlKey = 'ipv6/conf/all/forwarding'

/** Answers what was off, in words. May be repeated. */
export function enableForwarding(rtnl: Rtnl, { bridge, ipv4, ipv6 }: ForwardingNeed): string[] {
  const forwarding = (family: 'ipv4' | 'ipv6') =>
    interfaceSysctl(family, { interfaceName: bridge, setting: 'forwarding' })
  return [
    ...(ipv4 ? [...switchOn('ipv4/ip_forward'), ...switchOn(forwarding('ipv4'))] : []),
    ...(ipv6 ? [...forwardIpv6(rtnl), ...switchOn(forwarding('ipv6'))] : []),
  ]
}

function switchOn(key: SysctlKey): string[] {
  return writeSysctl(undefined, { key, value: 1 }) === '1' ? [] : [`net/${key} was off`]
}

/**
 * A machine that forwards IPv6 ignores router advertisements on interfaces where accept_ra is 1, and would lose its
 * default route when the last one expires. 2 is "even if forwarding": it has to be there before the switch.
 */
function forwardIpv6(rtnl: Rtnl): string[] {
  if (readSysctl(undefined, allIpv6Forwarding) === '1') return []
  for (const { name } of rtnl.links()) {
    if (!name.startsWith('cn')) acceptAdvertisements(name)
  }
  return switchOn(allIpv6Forwarding)
}

function acceptAdvertisements(interfaceName: string): void {
  const change: SysctlChange = {
    key: interfaceSysctl('ipv6', { interfaceName, setting: 'accept_ra' }),
    value: 2,
  }
  try {
    if (readSysctl(undefined, change.key) === '1') writeSysctl(undefined, change)
  } catch (error) {
    // The interface is gone since the listing, or has no IPv6.
    if (!KernelError.is(error, 'ENOENT')) throw error
  }
}
