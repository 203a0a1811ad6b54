// What GET /pools answers: where subnets, addresses and ports come from, and how much of them is taken.
import type { PoolsView } from '@conet/sdk/api'
import { type AddressPool, poolUsage } from '../ipam/index.ts'
import type { HostContext } from '../lifecycle/index.ts'

export function poolReport(host: HostContext): PoolsView {
  const networks = [...host.inventory.networks.values()]
  const taken = networks.flatMap(({ subnets }) => subnets.map(({ subnet }) => subnet))
  const { ipv4, ipv6 } = host.addresses.pools
  const poolViews = (family: 4 | 6, pools: readonly AddressPool[]) =>
    pools.map(({ base, size }) => ({ family, base, size, ...poolUsage({ base, size }, taken) }))
  return {
    address_pools: [...poolViews(4, ipv4), ...poolViews(6, ipv6)],
    subnets: networks.flatMap(({ id, name, scope }) =>
      host.addresses.usage(id).map(({ subnet, used, capacity }) => ({
        ...{ network_id: id, network_name: name },
        ...{ subnet, addresses: capacity, used },
        ...(scope !== undefined && { scope }),
      })),
    ),
    port_pool: { ...host.ports.usage },
  }
}
