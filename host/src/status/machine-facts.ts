// Reads from the kernel what may stand in the way of containers' packets. Changes nothing.
import {
  KernelError,
  Nftables,
  type NftablesObject,
  nftName,
  Rtnl,
  readSysctl,
  type SysctlKey,
} from '@conet/sdk/linux'
import { withoutPrefix } from '../ipam/index.ts'
import type { ForwardChain, MachineFacts } from './facts.ts'

export function readMachineFacts(): MachineFacts {
  return {
    addresses: machineAddresses(),
    ipv4Forwarding: settingOf('ipv4/ip_forward'),
    ipv6Forwarding: settingOf('ipv6/conf/all/forwarding'),
    bridgeCallsIptables: settingOf('bridge/bridge-nf-call-iptables'),
    bridgeCallsIp6tables: settingOf('bridge/bridge-nf-call-ip6tables'),
    ephemeralPorts: settingOf('ipv4/ip_local_port_range'),
    reservedPorts: settingOf('ipv4/ip_local_reserved_ports'),
    forwardChains: readForwardChains(),
  }
}

function machineAddresses(): Set<string> {
  using rtnl = Rtnl.open()
  return new Set(rtnl.addresses().map(({ address }) => withoutPrefix(address)))
}

/** The kernel lacks a setting whose module is not loaded. */
function settingOf(key: SysctlKey): string | undefined {
  try {
    return readSysctl(undefined, key)
  } catch (error) {
    if (KernelError.is(error, 'ENOENT')) return undefined
    throw error
  }
}

/** That the firewall cannot be read is a finding of its own, not an end of all others. */
function readForwardChains(): MachineFacts['forwardChains'] {
  try {
    using nftables = Nftables.open()
    const chains = nftables.list('chains').flatMap(forwardChainOf)
    return {
      ok: true,
      chains: chains.map((chain) => ({ ...chain, acceptsAll: startsWithAccept(nftables, chain) })),
    }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** As somebody does who was told that the policy stands in the way. Other rules are not weighed: that is the kernel's work. */
function startsWithAccept(nftables: Nftables, { family, table, name, policy }: NamedChain): boolean {
  if (policy !== 'drop') return false
  try {
    const objects = nftables.list(`chain ${family} ${nftName(table)} ${nftName(name)}`)
    const first = objects.find((object) => 'rule' in object)
    return first !== undefined && isPlainAccept(first.rule)
  } catch {
    // Gone since it was listed, or in words that libnftables does not know: then nothing is known of its rules.
    return false
  }
}

/** `{"expr": [{"counter": …}, {"accept": null}], …}` */
function isPlainAccept(rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null || !('expr' in rule) || !Array.isArray(rule.expr))
    return false
  const statements = rule.expr
    .flatMap((statement) => Object.keys(statement))
    .filter((key) => key !== 'counter')
  return statements.length === 1 && statements[0] === 'accept'
}

type NamedChain = Omit<ForwardChain, 'acceptsAll'>

/** `{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop", …}}` */
export function forwardChainOf({ chain }: NftablesObject): NamedChain[] {
  if (typeof chain !== 'object' || chain === null) return []
  const text = (key: string): string => {
    const value: unknown = Reflect.get(chain, key)
    return typeof value === 'string' ? value : ''
  }
  if (text('hook') !== 'forward') return []
  return [{ family: text('family'), table: text('table'), name: text('name'), policy: text('policy') }]
}
