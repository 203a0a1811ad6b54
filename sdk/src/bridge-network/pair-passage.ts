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
import type { PairMember } from './policy/pairs.ts'

export type Passage = {
  readonly bridge: string
  readonly isOpen: boolean
  /** Of members. For IPv4 it answers for whoever is in its subnets; of IPv6 the kernel is told each. */
  readonly addresses: readonly Buffer[]
  /** False: there may be members of whom nothing is known yet. */
  readonly isWhole: boolean
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

/** Where the way is open: for one member that came or went, or has another address. */
export function answerFor(
  rtnl: Rtnl,
  bridge: string,
  { former, member }: { former: PairMember | undefined; member: PairMember | undefined },
): void {
  const link = rtnl.link(bridge)?.index
  if (link === undefined) return
  const wanted = ipv6In(member?.addresses ?? [])
  const left = ipv6In(former?.addresses ?? []).filter((address) => !wanted.includes(address))
  rtnl.batch(wanted.map((address) => addNeighbourProxy({ link, address })))
  rtnl.batch(
    left.map((address) => deleteNeighbourProxy({ link, address })),
    { tolerate: ['ENOENT'] },
  )
}

function ipv6In(addresses: readonly Buffer[]): string[] {
  return addresses.filter(({ length }) => length === 16).map(formatIp)
}

function proxyDifferences(rtnl: Rtnl, link: number, { addresses, isWhole }: Passage) {
  const found = new Set(rtnl.neighbourProxies({ link }).map(({ address }) => address))
  const wanted = new Set(ipv6In(addresses))
  return {
    missing: [...wanted].filter((address) => !found.has(address)),
    strange: isWhole ? [...found].filter((address) => !wanted.has(address)) : [],
  }
}

/** The kernel would wait up to 0.8 s with each answer, lest the one that is asked for answers itself. */
function settingsOf({ bridge: interfaceName, isOpen }: Pick<Passage, 'bridge' | 'isOpen'>): Setting[] {
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
