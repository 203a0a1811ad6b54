// Settings of the kernel that a bridge has by its name, and whether somebody has changed them.
import { interfaceSysctl, readSysctlIfThere, type SysctlKey, writeSysctl } from '../linux/index.ts'
import { type BridgePlan, forwardingOf } from './bridge-plan.ts'

/** Of arp_ignore. */
const answersNever = 8

const arpIgnore = (interfaceName: string) => interfaceSysctl('ipv4', { interfaceName, setting: 'arp_ignore' })

/**
 * The machine answers ARP for all its addresses on every interface. On an internal network, whose subnet may be the
 * machine's own, that would take packets away from the member that has the address.
 */
export function answerForNobody(interfaceName: string): string[] {
  const previous = writeSysctl(undefined, { key: arpIgnore(interfaceName), value: answersNever })
  return previous === String(answersNever) ? [] : [`arp_ignore was ${previous}`]
}

/**
 * In words, for a bridge that is there. Whether the machine forwards at all is its own affair: while that is off, each
 * interface has it off, and `conet status` says so.
 */
export function settingFaults(plan: BridgePlan): string[] {
  const { bridge, ipv4, ipv6 } = forwardingOf(plan)
  const isStuck = (family: 'ipv4' | 'ipv6', ofMachine: SysctlKey) =>
    isAt(ofMachine, 1) && !isAt(interfaceSysctl(family, { interfaceName: bridge, setting: 'forwarding' }), 1)
  return [
    ...(ipv4 && isStuck('ipv4', 'ipv4/ip_forward') ? ['does not forward IPv4'] : []),
    ...(ipv6 && isStuck('ipv6', 'ipv6/conf/all/forwarding') ? ['does not forward IPv6'] : []),
    ...(plan.internal && !isAt(arpIgnore(bridge), answersNever)
      ? ['answers ARP for the addresses of the machine (arp_ignore)']
      : []),
  ].map((fault) => `bridge ${bridge} ${fault}`)
}

/** Also where the kernel does not have it: the bridge is gone since it was looked at, or there is no IPv6. */
function isAt(key: SysctlKey, wanted: number): boolean {
  const found = readSysctlIfThere(undefined, key)
  return found === undefined || found === String(wanted)
}
