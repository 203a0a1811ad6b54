// The way by which members that are kept apart reach each other where policies allow it: each takes the machine for the other, which
// judges what it is sent and sends it on. So the bridge answers ARP and neighbour discovery for them.
import {
  addNeighbourProxy,
  deleteNeighbourProxy,
  formatIp,
  interfaceSysctl,
  type Rtnl,
  type SysctlKey,
} from '../linux/index.ts'
import { mendEach, type Setting, wrongOf } from './bridge-settings.ts'
import { isApart, pairsIn } from './firewall/pair-elements.ts'
import type { Holding } from './firewall/policy-elements.ts'

export type Passage = {
  readonly bridge: string
  readonly isOpen: boolean
  /** Of IPv6, for each of which the kernel is told to answer. For IPv4 it answers for whoever is in the bridge's subnets. */
  readonly addresses: ReadonlySet<string>
}

/** What the pairs of a network need. */
export function passageOf(bridge: string, { elements }: Holding): Passage {
  const ends = pairsIn(elements).flatMap(({ source, destination }) => [source, destination])
  const addresses = new Set(ends.filter(({ length }) => length === 16).map((address) => formatIp(address)))
  return { bridge, isOpen: elements.some(isApart), addresses }
}

/** Of a bridge that is there. Answers in words what was otherwise. May be repeated. */
export function mendPassage(rtnl: Rtnl, passage: Passage): string[] {
  const link = rtnl.link(passage.bridge)?.index
  if (link === undefined) return []
  const ofSettings = mendEach(settingsOf(passage))
  const { missing, strange } = proxyDifferences(rtnl, link, passage)
  rtnl.batch(missing.map((address) => addNeighbourProxy({ link, address })))
  rtnl.batch(
    strange.map((address) => deleteNeighbourProxy({ link, address })),
    { tolerate: ['ENOENT'] },
  )
  return [
    ...ofSettings,
    ...missing.map((address) => `it did not answer for ${address}`),
    ...strange.map((address) => `it answered for ${address}`),
  ].map((what) => `bridge ${passage.bridge}: ${what}`)
}

/** In words. Changes nothing. */
export function passageFaults(rtnl: Rtnl, link: number, passage: Passage): string[] {
  const { missing, strange } = proxyDifferences(rtnl, link, passage)
  return [
    ...wrongOf(settingsOf(passage)).map(({ fault }) => fault),
    ...missing.map((address) => `does not answer for ${address}`),
    ...strange.map((address) => `answers for ${address}`),
  ].map((fault) => `bridge ${passage.bridge} ${fault}`)
}

function proxyDifferences(rtnl: Rtnl, link: number, { addresses }: Passage) {
  const found = new Set(rtnl.neighbourProxies({ link }).map(({ address }) => address))
  return {
    missing: [...addresses].filter((address) => !found.has(address)),
    strange: [...found].filter((address) => !addresses.has(address)),
  }
}

/** The kernel would wait up to 0.8 s with each answer, lest the one that is asked for answers itself. */
function settingsOf({ bridge: interfaceName, isOpen }: Passage): Setting[] {
  const of = (key: SysctlKey, value: number, fault: string): Setting => ({
    key,
    value,
    isRight: (found) => found === String(value),
    fault: `${fault} (${key.split('/').at(-1)})`,
  })
  const switched = (family: 'ipv4' | 'ipv6', setting: string, what: string) => {
    const key = interfaceSysctl(family, { interfaceName, setting })
    return of(
      key,
      isOpen ? 1 : 0,
      isOpen ? `does not answer ${what} for its members` : `answers ${what} for its members`,
    )
  }
  const soon = (family: 'ipv4' | 'ipv6') =>
    of(`${family}/neigh/${interfaceName}/proxy_delay`, 0, 'answers for its members late')
  return [
    ...(isOpen ? [soon('ipv4'), soon('ipv6')] : []),
    switched('ipv4', 'proxy_arp_pvlan', 'ARP'),
    switched('ipv6', 'proxy_ndp', 'neighbour discovery'),
  ]
}
