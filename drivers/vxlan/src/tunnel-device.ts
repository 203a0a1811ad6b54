// The vxlan link of a network, which is a port of its bridge: made, compared with what should be, mended in place.
import { ConetError, declareFailpoints, failpoint } from '@conet/sdk'
import {
  differencesOf,
  type ExtensionWork,
  isIpv6,
  networkOfAlias,
  setLinkAnew,
  withoutKernelAddress,
} from '@conet/sdk/bridge-network'
import {
  type BridgePortChange,
  createVxlan,
  deleteLink,
  KernelError,
  type Link,
  type Rtnl,
  setBridgePort,
  setLink,
  setVxlan,
} from '@conet/sdk/linux'
import { invalid } from './config.ts'
import type { TunnelPlan } from './network-plan.ts'

declareFailpoints('vxlan:tunnel:link-made', 'vxlan:tunnel:link-set')

/**
 * Into the tunnel goes only what has a forwarding entry. The bridge answers ARP and neighbour solicitations for
 * whoever is behind it out of its own neighbour entries, by which the gateway finds them too. (The vxlan's own `proxy`
 * does the first alone, and cannot be switched on while the link exists.)
 */
const portFlags = {
  isolated: false,
  hairpin: false,
  learning: false,
  neighbourSuppression: true,
  unicastFlood: false,
  multicastFlood: false,
  broadcastFlood: false,
} as const satisfies Required<BridgePortChange>

/** Fixed when the link is made. */
const fixed = { proxy: false, l2Miss: false, l3Miss: false, device: undefined } as const

/** The tunnel's link if it is there. Throws `conflict` when something else has its name. */
export function findTunnel(rtnl: Rtnl, plan: TunnelPlan, bridge: number): Link | undefined {
  const { name, alias } = plan
  const found = rtnl.link(name)
  if (found === undefined || isTunnel(found, alias) || isEvidently(found, plan, bridge)) return found
  const { kind = 'device', alias: foreign = 'none' } = found
  throw new ConetError(
    'conflict',
    `the interface "${name}" exists and is not the tunnel (kind ${kind}, alias ${foreign})`,
    { details: { interfaceName: name }, help: `Rename or delete the interface "${name}".` },
  )
}

/** Whether it is the tunnel that has this alias, or has lost it. */
export function isTunnel({ kind, alias }: Link, ownAlias: string): boolean {
  return kind === 'vxlan' && (alias === undefined || alias === ownAlias)
}

/** Whatever its alias is: nobody else puts a tunnel with this name, VNI and port into the network's bridge. */
function isEvidently({ vxlan, master }: Link, { vni, port }: TunnelPlan, bridge: number): boolean {
  return vxlan?.vni === vni && vxlan.port === port && master === bridge
}

/** Makes the link; on failure `undo` takes it away. */
export function makeTunnel(plan: TunnelPlan, bridge: number, { machine, undo }: ExtensionWork): Link {
  const { rtnl } = machine
  const { name, alias, vni, port, localAddress, mtu } = plan
  const request = createVxlan({ name, vni, port, localAddress, mtu, master: bridge, learning: false })
  const link = refusing(plan, rtnl, () => rtnl.create(request))
  undo.defer(`delete link ${name}`, () => rtnl.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] }))
  failpoint('vxlan:tunnel:link-made')
  rtnl.run(setLink(link.index, { alias, ...withoutKernelAddress(mtu) }))
  rtnl.run(setBridgePort(link.index, portFlags))
  failpoint('vxlan:tunnel:link-set')
  refusing(plan, rtnl, () => rtnl.run(setLink(link.index, { up: true })))
  return link
}

/** Whether the link can become what is planned without being made anew. */
export function isMendable({ vxlan }: Link, { vni, port, localAddress }: TunnelPlan): boolean {
  if (vxlan === undefined || differencesOf(vxlan, { ...fixed, vni, port }).length > 0) return false
  return isIpv6(vxlan.localAddress ?? '') === isIpv6(localAddress)
}

/** Answers what differed, in words. */
export function mendTunnel(
  rtnl: Rtnl,
  link: Link,
  { plan, bridge }: { plan: TunnelPlan; bridge: number },
): string[] {
  const { name, alias, mtu, localAddress } = plan
  const wanted = { alias, mtu, master: bridge, ...withoutKernelAddress(mtu) }
  const ofTunnel = { localAddress, learning: false, ttl: 0 }
  const differences = differencesOf(link, wanted)
  if (differences.length > 0) setLinkAnew(rtnl, link, wanted)
  const inTunnel = differencesOf(link.vxlan ?? {}, ofTunnel)
  if (inTunnel.length > 0) rtnl.run(setVxlan(link.index, ofTunnel))
  const atPort =
    link.master === bridge ? differencesOf(link.bridgePort ?? {}, portFlags) : ['new to its bridge']
  if (atPort.length > 0) rtnl.run(setBridgePort(link.index, portFlags))
  if (!link.isUp) refusing(plan, rtnl, () => rtnl.run(setLink(link.index, { up: true })))
  const isDown = link.isUp ? [] : ['it was down']
  return [...differences, ...inTunnel, ...atPort, ...isDown].map((what) => `tunnel ${name}: ${what}`)
}

/** Says which field of the config the kernel will not have. */
function refusing<T>(plan: TunnelPlan, rtnl: Rtnl, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { vni, vniField, port } = plan
    if (KernelError.is(error, 'EADDRINUSE')) {
      throw invalid([{ path: 'config.port', message: `${port} is taken by another program of this machine` }])
    }
    const holder = KernelError.is(error, 'EEXIST') ? holderOf(rtnl, plan) : undefined
    if (holder === undefined) throw error
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
