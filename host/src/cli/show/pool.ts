// Pools as people read them.
import type { PoolsView } from '@conet/sdk/client'
import { table } from './table.ts'

export function poolPage({ address_pools: pools, subnets, port_pool: ports }: PoolsView): string {
  const rows = [
    ...pools.map(({ base, size, subnets: all, used }) => [
      'subnets',
      `${base} in /${size}`,
      '',
      counts(used, all),
    ]),
    ...subnets.map(({ network_name: network, subnet, addresses, used }) => [
      ...['addresses', subnet, network],
      counts(used, addresses),
    ]),
    ['ports', `${ports.start}-${ports.start + ports.size - 1}`, '', counts(ports.used, ports.size)],
  ]
  return table(
    ['POOL OF', 'RANGE', 'NETWORK', 'USED', 'OF', 'SHARE'],
    rows.map((row) => row.flat()),
  )
}

function counts(used: number, all: number): string[] {
  return [String(used), String(all), all === 0 ? '' : `${((100 * used) / all).toFixed(1)} %`]
}
