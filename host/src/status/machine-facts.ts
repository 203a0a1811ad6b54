// Reads from the kernel what may stand in the way of containers' packets. Changes nothing.
import { isDeepStrictEqual } from 'node:util'
import {
  listLegacyForwardChains,
  Nftables,
  type NftablesObject,
  nftName,
  readSysctlIfThere,
} from '@conet/sdk/linux'
import { restOf, textOf } from './chain-rest.ts'
import type { ForwardChain, MachineFacts } from './facts.ts'
import { readRouteFacts } from './route-facts.ts'

export function readMachineFacts(): MachineFacts {
  return {
    ...readRouteFacts(),
    ipv4Forwarding: readSysctlIfThere(undefined, 'ipv4/ip_forward'),
    ipv6Forwarding: readSysctlIfThere(undefined, 'ipv6/conf/all/forwarding'),
    bridgeCallsIptables: readSysctlIfThere(undefined, 'bridge/bridge-nf-call-iptables'),
    bridgeCallsIp6tables: readSysctlIfThere(undefined, 'bridge/bridge-nf-call-ip6tables'),
    ephemeralPorts: readSysctlIfThere(undefined, 'ipv4/ip_local_port_range'),
    reservedPorts: readSysctlIfThere(undefined, 'ipv4/ip_local_reserved_ports'),
    ...readForwardChains(),
  }
}

/** That the firewall cannot be read is a finding of its own, not an end of all others; nor is one half of the other. */
function readForwardChains(): Pick<MachineFacts, 'forwardChains' | 'firewallTrouble'> {
  const troubles: string[] = []
  const chains = [nftablesChains, legacyChains].flatMap((read) => {
    try {
      return read()
    } catch (error) {
      troubles.push(error instanceof Error ? error.message : String(error))
      return []
    }
  })
  return { forwardChains: chains, firewallTrouble: troubles.length === 0 ? undefined : troubles.join('; ') }
}

function nftablesChains(): ForwardChain[] {
  using nftables = Nftables.open()
  return nftables
    .list('chains')
    .flatMap(forwardChainOf)
    .flatMap((chain) => restsOf(nftables, chain))
}

/** One, or one for each family of packets where it sees both and does not do the same with them. */
function restsOf(nftables: Nftables, { policy, ...chain }: BaseChain): ForwardChain[] {
  const rest = (packets: 'ipv4' | 'ipv6') => {
    const rulesOf = (name: string) => rulesIn(nftables, { ...chain, name })
    return restOf({ name: chain.name, policy }, { rulesOf, packets })
  }
  const found = { ...chain, isLegacy: false }
  if (chain.family === 'ip') return [{ ...found, rest: rest('ipv4') }]
  if (chain.family === 'ip6') return [{ ...found, rest: rest('ipv6') }]
  const [ofIpv4, ofIpv6] = [rest('ipv4'), rest('ipv6')]
  if (isDeepStrictEqual(ofIpv4, ofIpv6)) return [{ ...found, rest: ofIpv4 }]
  return [
    { ...found, rest: ofIpv4, packets: 'IPv4' },
    { ...found, rest: ofIpv6, packets: 'IPv6' },
  ]
}

function legacyChains(): ForwardChain[] {
  return listLegacyForwardChains().map((chain) => ({ ...chain, name: 'FORWARD', isLegacy: true }))
}

type ChainName = Pick<ForwardChain, 'family' | 'table' | 'name'>
type BaseChain = ChainName & { readonly policy: string }

function rulesIn(nftables: Nftables, { family, table, name }: ChainName): unknown[] {
  try {
    const objects = nftables.list(`chain ${family} ${nftName(table)} ${nftName(name)}`)
    return objects.flatMap(({ rule }) => rule ?? [])
  } catch {
    // Gone since it was listed, or in words that libnftables does not know: then nothing is known of its rules.
    return []
  }
}

/** `{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop", …}}` */
export function forwardChainOf({ chain }: NftablesObject): BaseChain[] {
  const text = (key: string) => textOf(chain, key)
  if (text('hook') !== 'forward') return []
  return [{ family: text('family'), table: text('table'), name: text('name'), policy: text('policy') }]
}
