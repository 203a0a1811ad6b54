// Why the kernel will not have a tunnel, in the words of the network's config.
import type { ConetError } from '@conet/sdk'
import { networkOfAlias } from '@conet/sdk/bridge-network'
import { KernelError, type Link, type Rtnl } from '@conet/sdk/linux'
import { invalid } from './config.ts'
import type { TunnelPlan } from './network-plan.ts'

/** Says which field of the config the kernel will not have. */
export function refusing<T>(plan: TunnelPlan, rtnl: Rtnl, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { vni, vniField, port } = plan
    if (KernelError.is(error, 'EADDRINUSE')) {
      throw invalid([{ path: 'config.port', message: `${port} is taken by another program of this machine` }])
    }
    if (!KernelError.is(error, 'EEXIST')) throw error
    const holder = holderOf(rtnl, plan)
    if (holder === undefined) throw takenElsewhere(plan)
    throw invalid([{ path: vniField, message: `${vni} is taken on this machine, by ${nameOf(holder)}` }])
  }
}

function holderOf(rtnl: Rtnl, { vni, port, name }: TunnelPlan): Link | undefined {
  const others = rtnl.links({ kind: 'vxlan' }).filter((link) => link.name !== name)
  return others.find(({ vxlan }) => vxlan?.vni === vni && vxlan.port === port)
}

function nameOf(link: Link): string {
  const networkId = networkOfAlias(link)
  return networkId === undefined ? `the interface "${link.name}"` : `network ${networkId}`
}

/** The kernel keeps the VNI of an interface where that was made, wherever it is moved. */
function takenElsewhere({ vni, vniField, port, name }: TunnelPlan): ConetError {
  const holder = 'a vxlan interface that somebody has moved to another network namespace'
  const message = `${vni} with port ${port} is taken on this machine, by ${holder}, such as ${name} itself`
  return invalid(
    [{ path: vniField, message }],
    `Find it (ip -d link show type vxlan, in each network namespace), and move it back or delete it there.`,
  )
}
