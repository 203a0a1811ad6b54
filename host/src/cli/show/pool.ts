// Pools as people read them.
import type { PoolsView } from '@conet/sdk/client'
import { table } from './table.ts'

export function poolPage({ address_pools: pools, subnets, port_pool: ports }: PoolsView): string {
  const rows = [
    ...pools.map(({ base, size, subnets: all, used }) => [
      'subnets',
      `${base} in /${size}`,
      '',
      counts(used, all, `2^${size - Number(base.split('/')[1])}`),
    ]),
    ...subnets.map(({ network_name: network, subnet, addresses, used }) => [
      ...['addresses', subnet, network],
      counts(used, addresses, 'over 2^53'),
    ]),
    ['ports', `${ports.start}-${ports.start + ports.size - 1}`, '', counts(ports.used, ports.size)],
  ]
  const page = table(
    ['POOL OF', 'RANGE', 'NETWORK', 'USED', 'OF', 'SHARE'],
    rows.map((row) => row.flat()),
  )
  const shared = subnets.find(({ scope }) => scope === 'global')
  return shared === undefined ? page : `${page}${aloneNote(shared.network_name)}`
}

/** Else a person would take a network for empty that other hosts have filled. */
const aloneNote = (network: string) =>
  `\nof networks of the cluster, USED is what this host has handed out; for all hosts: conet net inspect ${network}\n`

/** `many`: what is said of more than can be counted. */
function counts(used: number, all: number, many = ''): string[] {
  const count = all < Number.MAX_SAFE_INTEGER ? String(all) : many
  return [String(used), count, all === 0 ? '' : `${((100 * used) / all).toFixed(1)} %`]
}
