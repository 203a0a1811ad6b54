// Ports of the machine answer at 127.0.0.1 too, though the kernel lets nothing from there out by an interface of its own accord.
import { interfaceSysctl, readSysctlIfThere, writeSysctl } from '../linux/index.ts'

const keyOf = (interfaceName: string) => interfaceSysctl('ipv4', { interfaceName, setting: 'route_localnet' })

/** So that what the machine sends from 127.0.0.1 may leave by the bridge. What comes in to such addresses the firewall drops. */
export function leadFromLoopback(interfaceName: string): void {
  writeSysctl(undefined, { key: keyOf(interfaceName), value: 1 })
}

/** Whether it may; also of a bridge that is gone, which is said elsewhere. */
export function leadsFromLoopback(interfaceName: string): boolean {
  return (readSysctlIfThere(undefined, keyOf(interfaceName)) ?? '1') === '1'
}
