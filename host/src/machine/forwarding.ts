// The machine's own switches for forwarding. A driver that needs one sets it when it makes a network; others may set it back.
import { readSysctlIfThere, type SysctlKey } from '@conet/sdk/linux'

const switches: readonly { readonly family: 4 | 6; readonly key: SysctlKey; readonly setting: string }[] = [
  { family: 4, key: 'ipv4/ip_forward', setting: 'net.ipv4.ip_forward' },
  { family: 6, key: 'ipv6/conf/all/forwarding', setting: 'net.ipv6.conf.all.forwarding' },
]

/** Those that are off, by their names. */
export function forwardingSwitchesOff(): { family: 4 | 6; setting: string }[] {
  // A kernel without IPv6 has no switch for it.
  return switches
    .filter(({ key }) => readSysctlIfThere(undefined, key) === '0')
    .map(({ family, setting }) => ({ family, setting }))
}
