// Settings of the kernel that a bridge has by its name, and whether somebody has changed them.
import { interfaceSysctl, readSysctlIfThere, type SysctlKey, writeSysctl } from '../linux/index.ts'
import { type BridgePlan, forwardingOf } from './bridge-plan.ts'

export type Setting = {
  readonly key: SysctlKey
  /** Set where another stands. */
  readonly value: number
  readonly isRight: (found: string) => boolean
  /** What the bridge does where it is not so. */
  readonly fault: string
}

/** Of arp_ignore. */
const answersNever = '8'

/**
 * Who answers ARP and hears it. The machine answers for all its addresses on every interface: on an internal network, whose subnet may
 * be the machine's own, that would take packets away from the member that has the address; on any other members ask for the gateway.
 * A router advertisement of a member would lead the machine itself to it.
 */
function settingsOf({ name: interfaceName, internal }: Pick<BridgePlan, 'name' | 'internal'>): Setting[] {
  const zero = (family: 'ipv4' | 'ipv6', setting: string, fault: string): Setting => ({
    key: interfaceSysctl(family, { interfaceName, setting }),
    value: 0,
    isRight: (found) => found === '0',
    fault: `${fault} (${setting})`,
  })
  const arp = zero('ipv4', 'arp_ignore', '')
  return [
    internal
      ? {
          ...arp,
          value: Number(answersNever),
          isRight: (found) => found === answersNever,
          fault: 'answers ARP for the addresses of the machine (arp_ignore)',
        }
      : {
          ...arp,
          isRight: (found) => found !== answersNever,
          fault: 'does not answer ARP for the gateway (arp_ignore)',
        },
    zero('ipv4', 'proxy_arp', 'answers ARP for others'),
    zero('ipv4', 'drop_gratuitous_arp', 'does not hear under which MAC an address is now'),
    zero('ipv6', 'drop_unsolicited_na', 'does not hear under which MAC an address is now'),
    zero('ipv6', 'accept_ra', 'lets members advertise routes to the machine'),
  ]
}

/** Answers in words what was otherwise. May be repeated. */
export function mendSettings(plan: Pick<BridgePlan, 'name' | 'internal'>): string[] {
  return mendEach(settingsOf(plan))
}

/** Answers in words what was otherwise. */
export function mendEach(settings: readonly Setting[]): string[] {
  return wrongOf(settings).map(({ key, value, found }) => {
    writeSysctl(undefined, { key, value })
    return `${key.split('/').at(-1)} was ${found}`
  })
}

/** Those that are otherwise in the kernel. */
export function wrongOf(settings: readonly Setting[]): (Setting & { found: string })[] {
  return settings.flatMap((setting) => {
    // Also where the kernel does not have it: the bridge is gone since it was looked at, or there is no IPv6.
    const found = readSysctlIfThere(undefined, setting.key)
    return found === undefined || setting.isRight(found) ? [] : [{ ...setting, found }]
  })
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
    ...wrongOf(settingsOf(plan)).map(({ fault }) => fault),
  ].map((fault) => `bridge ${bridge} ${fault}`)
}

/** Also where the kernel does not have it: the bridge is gone since it was looked at, or there is no IPv6. */
function isAt(key: SysctlKey, wanted: number): boolean {
  const found = readSysctlIfThere(undefined, key)
  return found === undefined || found === String(wanted)
}
