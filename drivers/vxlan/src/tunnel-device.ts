// The vxlan link of a network, which is a port of its bridge: made, compared with what should be, mended in place.
import { ConetError, declareFailpoints, failpoint } from '@conet/sdk'
import {
  allFlags,
  differencesOf,
  type ExtensionWork,
  isIpv6,
  isSwitchedOff,
  networkOfAlias,
  setLinkAnew,
  switchOn,
  withoutKernelAddress,
} from '@conet/sdk/bridge-network'
import {
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
const portFlags = allFlags({
  learning: false,
  neighbourSuppression: true,
  unicastFlood: false,
  multicastFlood: false,
  broadcastFlood: false,
})

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

/** Where a tunnel belongs, and what it should be like. */
export type TunnelPlace = { readonly plan: TunnelPlan; readonly bridge: number }

/** Answers what differed, in words. */
export function mendTunnel(rtnl: Rtnl, link: Link, place: TunnelPlace): string[] {
  const { plan, bridge: master } = place
  const isStray = link.master !== master
  const { ofLink, ofTunnel } = settingsOf(place)
  const { atLink, inTunnel, atPort } = differencesIn(link, place)
  if (atLink.length > 0 || isStray) setLinkAnew(rtnl, link, { ...ofLink, master })
  if (inTunnel.length > 0) rtnl.run(setVxlan(link.index, ofTunnel))
  if (atPort.length > 0 || isStray) rtnl.run(setBridgePort(link.index, portFlags))
  if (!link.isUp) refusing(plan, rtnl, () => rtnl.run(setLink(link.index, { up: true })))
  // The bridge is up by now, and a link that comes in or up is switched on by that.
  const ofState = isStray ? ['it was not in its bridge'] : switchOn(rtnl, link)
  const others = [...ofState, ...(link.isUp ? [] : ['it was down'])]
  return [...atLink, ...inTunnel, ...atPort, ...others].map((what) => `tunnel ${plan.name}: ${what}`)
}

/** What a look at the link shows that `mendTunnel` would mend, or that makes it another one, in words. */
export function tunnelFaults(link: Link, place: TunnelPlace, bridge: Link | undefined): string[] {
  const { name, vni, port, localAddress } = place.plan
  if (!isMendable(link, place.plan)) {
    const { vni: otherVni, port: otherPort, localAddress: otherAddress = 'none' } = link.vxlan ?? {}
    const found = `VNI ${otherVni}, port ${otherPort}, address ${otherAddress}`
    return [`tunnel ${name} is another one: ${found}, not ${vni}, ${port}, ${localAddress}`]
  }
  const { atLink, inTunnel, atPort } = differencesIn(link, place)
  return [
    ...(link.isUp ? [] : ['is down']),
    ...(link.master === place.bridge ? [] : ['is not in its bridge']),
    // A bridge that is down takes all its ports out of service, which is the bridge's fault.
    ...(link.master === bridge?.index && bridge?.isUp && isSwitchedOff(link)
      ? ['neither takes nor sends anything in its bridge']
      : []),
    ...[...atLink, ...inTunnel, ...atPort].map((what) => `differs: ${what}`),
  ].map((fault) => `tunnel ${name} ${fault}`)
}

function settingsOf({ plan: { alias, mtu, localAddress } }: TunnelPlace) {
  return {
    ofLink: { alias, mtu, arp: true, ...withoutKernelAddress(mtu) },
    ofTunnel: { localAddress, learning: false, ttl: 0 },
  }
}

/** But for the bridge that it is in; at the port of another one nothing is compared. */
function differencesIn(link: Link, place: TunnelPlace) {
  const { ofLink, ofTunnel } = settingsOf(place)
  return {
    atLink: differencesOf(link, ofLink),
    inTunnel: differencesOf(link.vxlan ?? {}, ofTunnel),
    atPort: link.master === place.bridge ? differencesOf(link.bridgePort ?? {}, portFlags) : [],
  }
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
