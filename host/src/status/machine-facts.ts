// Reads from the kernel what may stand in the way of containers' packets. Changes nothing.
import { KernelError, Nftables, type NftablesObject, readSysctl, type SysctlKey } from '@conet/sdk/linux'
import type { ForwardChain, MachineFacts } from './facts.ts'

export function readMachineFacts(): MachineFacts {
  return {
    ipv4Forwarding: settingOf('ipv4/ip_forward'),
    ipv6Forwarding: settingOf('ipv6/conf/all/forwarding'),
    bridgeCallsIptables: settingOf('bridge/bridge-nf-call-iptables'),
    bridgeCallsIp6tables: settingOf('bridge/bridge-nf-call-ip6tables'),
    forwardChains: readForwardChains(),
  }
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
    return { ok: true, chains: nftables.list('chains').flatMap(forwardChainOf) }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** `{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop", …}}` */
export function forwardChainOf({ chain }: NftablesObject): ForwardChain[] {
  if (typeof chain !== 'object' || chain === null) return []
  const text = (key: string): string => {
    const value: unknown = Reflect.get(chain, key)
    return typeof value === 'string' ? value : ''
  }
  if (text('hook') !== 'forward') return []
  return [{ family: text('family'), table: text('table'), name: text('name'), policy: text('policy') }]
}
