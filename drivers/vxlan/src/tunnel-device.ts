// The vxlan link of a network, which is a port of its bridge: made, compared with what should be, mended in place.
import { ConetError, declareFailpoints, failpoint } from '@conet/sdk'
import {
  allFlags,
  deleteStrayAddresses,
  differencesOf,
  type ExtensionWork,
  eachChangeTo,
  isIpv6,
  isSwitchedOff,
  mendFlags,
  renameLink,
  setLinkAnew,
  strayAddresses,
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
  usualFixedVxlan,
  usualLink,
  usualVxlan,
} from '@conet/sdk/linux'
import type { TunnelPlan } from './network-plan.ts'
import { refusing } from './tunnel-refusals.ts'

declareFailpoints('vxlan:tunnel:link-made', 'vxlan:tunnel:link-set')

/**
 * Into the tunnel goes only what has a forwarding entry. The bridge answers ARP and neighbour solicitations for
 * whoever is behind it out of its own neighbour entries, by which the gateway finds them too. (The vxlan's own `proxy`
 * does the first alone, and cannot be switched on while the link exists.)
 */
const portFlags = {
  learning: false,
  neighbourSuppression: true,
  unicastFlood: false,
  multicastFlood: false,
  broadcastFlood: false,
  // Said, since kernels differ in what speed a tunnel has.
  cost: 100,
}

/** As every new tunnel; the kernel's own choice of bits depends on what else was chosen. */
const { reservedBits } = usualFixedVxlan

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

/**
 * Makes the link; on failure `undo` takes it away. Undefined: it is there, where somebody has given it another name, and has its
 * own again.
 */
export function makeTunnel(plan: TunnelPlan, bridge: number, work: ExtensionWork): Link | undefined {
  const { machine, undo } = work
  const { rtnl } = machine
  const { name, alias, macAddress, vni, port, localAddress, mtu } = plan
  const ofTunnel = { vni, port, localAddress, learning: false, reservedBits }
  const request = createVxlan({ name, macAddress, mtu, master: bridge, ...ofTunnel })
  const link = refusing(plan, rtnl, () =>
    unlessThere(
      () => rtnl.create(request),
      () => nameBack(plan, work),
    ),
  )
  if (link === undefined) return undefined
  undo.defer(`delete link ${name}`, () => rtnl.runSlow(deleteLink(link.index), { tolerate: ['ENODEV'] }))
  failpoint('vxlan:tunnel:link-made')
  rtnl.run(setLink(link.index, { alias, ...withoutKernelAddress(mtu) }))
  rtnl.run(setBridgePort(link.index, portFlags))
  failpoint('vxlan:tunnel:link-set')
  refusing(plan, rtnl, () => rtnl.run(setLink(link.index, { up: true })))
  return link
}

/** Its VNI cannot be had twice, so the kernel refuses another one. */
function unlessThere(create: () => Link, nameBack: () => boolean): Link | undefined {
  try {
    return create()
  } catch (error) {
    if (KernelError.is(error, 'EEXIST') && nameBack()) return undefined
    throw error
  }
}

/** Whether there was one to name. */
function nameBack({ name, alias }: TunnelPlan, { machine: { rtnl }, call }: ExtensionWork): boolean {
  const renamed = renamedTunnel(rtnl, alias)
  if (renamed === undefined) return false
  renameLink(rtnl, renamed.index, name)
  call.repaired(`tunnel ${name}: it was called ${renamed.name}`)
  return true
}

/** The network's tunnel where nothing has the name of it. */
export function renamedTunnel(rtnl: Rtnl, ownAlias: string): Link | undefined {
  return rtnl.links({ kind: 'vxlan' }).find(({ alias }) => alias === ownAlias)
}

/** Whether the link can become what is planned without being made anew. */
export function isMendable(rtnl: Rtnl, link: Link, plan: TunnelPlan): boolean {
  return fixedDifferences(rtnl, link, plan).length === 0
}

/** What cannot be changed while the link exists, in words. */
function fixedDifferences(
  rtnl: Rtnl,
  { vxlan, parentNamespaceId }: Link,
  { vni, port, localAddress }: TunnelPlan,
): string[] {
  if (vxlan === undefined) return ['it is no vxlan interface']
  const { localAddress: found = '', device } = vxlan
  const { device: _, ...fixed } = { ...usualFixedVxlan, vni, port }
  return [
    ...differencesOf(vxlan, fixed),
    ...(isIpv6(found) === isIpv6(localAddress) ? [] : [`localAddress was ${found || 'missing'}`]),
    ...(device === undefined ? [] : [`it is bound to the interface ${rtnl.link(device)?.name ?? device}`]),
    ...(parentNamespaceId === undefined ? [] : ['its underlay is that of another network namespace']),
  ]
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
  rtnl.batch(eachChangeTo(link.vxlan ?? {}, ofTunnel).map((change) => setVxlan(link.index, change)))
  withoutRemote(rtnl, link)
  if (isStray) rtnl.run(setBridgePort(link.index, portFlags))
  else mendFlags(rtnl, link, allFlags(portFlags))
  if (!link.isUp) refusing(plan, rtnl, () => rtnl.run(setLink(link.index, { up: true })))
  // The bridge is up by now, and a link that comes in or up is switched on by that.
  const ofState = isStray ? ['it was not in its bridge'] : switchOn(rtnl, link)
  const ofAddresses = deleteStrayAddresses(rtnl, link.index)
  const others = [...ofState, ...(link.isUp ? [] : ['it was down']), ...ofAddresses]
  return [...atLink, ...inTunnel, ...atPort, ...others].map((what) => `tunnel ${plan.name}: ${what}`)
}

/** With its forwarding entry. */
function withoutRemote(rtnl: Rtnl, { index, vxlan }: Link): void {
  const found = vxlan?.remoteAddress
  if (found !== undefined) rtnl.run(setVxlan(index, { remoteAddress: isIpv6(found) ? '::' : '0.0.0.0' }))
}

/** What a look at the link shows that `mendTunnel` would mend, or that makes it another one, in words. */
export function tunnelFaults(rtnl: Rtnl, link: Link, place: TunnelPlace): string[] {
  const { name } = place.plan
  const bridge = rtnl.link(place.bridge)
  const ofAnother = fixedDifferences(rtnl, link, place.plan)
  if (ofAnother.length > 0) return [`tunnel ${name} is another one: ${ofAnother.join(', ')}`]
  const { atLink, inTunnel, atPort } = differencesIn(link, place)
  return [
    ...(link.isUp ? [] : ['is down']),
    ...(link.master === place.bridge ? [] : ['is not in its bridge']),
    // A bridge that is down takes all its ports out of service, which is the bridge's fault.
    ...(link.master === bridge?.index && bridge?.isUp && isSwitchedOff(link)
      ? ['neither takes nor sends anything in its bridge']
      : []),
    ...[...atLink, ...inTunnel, ...atPort].map((what) => `differs: ${what}`),
    ...strayAddresses(rtnl.addresses({ link: link.index })).map(
      ({ address }) => `has the address ${address}`,
    ),
  ].map((fault) => `tunnel ${name} ${fault}`)
}

function settingsOf({ plan: { alias, macAddress, mtu, localAddress } }: TunnelPlace) {
  const { remoteAddress: _, ...ofTunnel } = { ...usualVxlan, localAddress, learning: false }
  return { ofLink: { ...usualLink, alias, macAddress, mtu, ...withoutKernelAddress(mtu) }, ofTunnel }
}

/** But for the bridge that it is in; at the port of another one nothing is compared. */
function differencesIn(link: Link, place: TunnelPlace) {
  const { ofLink, ofTunnel } = settingsOf(place)
  const { remoteAddress: remote } = link.vxlan ?? {}
  return {
    atLink: differencesOf(link, ofLink),
    inTunnel: [
      ...differencesOf(link.vxlan ?? {}, ofTunnel),
      ...(remote === undefined ? [] : [`remoteAddress was ${remote}`]),
    ],
    atPort: link.master === place.bridge ? differencesOf(link.bridgePort ?? {}, allFlags(portFlags)) : [],
  }
}
