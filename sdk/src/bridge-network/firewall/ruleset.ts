// The text of the driver's table (nft(8)). One transaction each; the kernel goes from one state to the next.
import { nftInterfaceName, nftName } from '../../linux/index.ts'
import {
  partsOf,
  type ServiceMember,
  type ServiceSet,
  serviceSetNames,
  serviceSets,
} from './host-services.ts'
import { type Policies, type Policy, pairSets, type SetName, setNames } from './policy.ts'
import { pairMark } from './policy-ruleset.ts'

/** The name of a driver's table. */
export function tableOf(driverName: string): string {
  return `inet ${nftName(`conet_${driverName}`)}`
}

/**
 * Frames between two members pass `forward` too where bridge-nf-call-iptables is 1, with the bridge on both sides.
 * A packet that a member sends to another by way of the gateway looks the same, so one set decides both.
 *
 * Only what goes *into* a bridge of ours is refused: nobody else's traffic is touched, and each driver that does the
 * same keeps its networks apart from all others. `cn*` are the interfaces of conet.
 *
 * What is masqueraded is told by the bridge it came from, not by its source address: one element a network for both
 * families instead of interval sets, and an address that a member made up does not leave either.
 *
 * A port of the machine that leads to a member is one that somebody has opened: `dnat` is let in, but not from one member that is kept
 * apart to another. For the machine's own
 * 127.0.0.1 the bridges then take such addresses (`route_localnet`), and `guard` drops those that members make up.
 *
 * What comes from another of our networks by such a port carries the machine's address too: it may come from the container that it goes to,
 * which would drop what seems to come from itself.
 *
 * Who does not reach the machine reaches some services of it: the bridge is in the key, so one set does for all networks.
 *
 * What one member may send another although they are kept apart has been judged before, by the table for policies, and says so.
 *
 * An internal network is apart from the machine too, which answers for its own addresses on every interface.
 */
const chains = `
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname . oifname @peers accept
    iifname @internal drop
    oifname @internal drop
    oifname @bridges ct state established,related accept
    iifname @bridges oifname @bridges meta priority ${pairMark} meta priority set 0:0 accept
    iifname . oifname @apart drop
    oifname @bridges ct status dnat accept
    iifname != "cn*" oifname @routed accept
    oifname @bridges drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname @internal drop
    iifname @hostless jump hostless
  }
  chain hostless {
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept
    iifname . meta l4proto . th dport @services accept
    iifname . meta l4proto . th dport . ip daddr @services4 accept
    iifname . meta l4proto . th dport . ip6 daddr @services6 accept
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    iifname @masqueraded oifname != @bridges masquerade
    iifname @masqueraded ct status dnat masquerade
  }`

/** Puts the table in the place of whatever is there under its name; without a network there is no table. */
export function wholeTable(table: string, policies: Policies): string {
  const replaced = `add table ${table}\ndelete table ${table}\n`
  if (policies.size === 0) return replaced
  const sets = [...setNames, ...serviceSetNames].map(
    (name) => `\n  set ${name} { type ${typeOf(name)};${elementsOf(name, policies)} }`,
  )
  return `${replaced}table ${table} {${sets.join('')}${chains}\n}\n`
}

/** Moves one bridge between the sets. Undefined is no set at all. */
export function changeOf(
  table: string,
  bridge: string,
  change: { before: Policy | undefined; after: Policy | undefined },
): string {
  const { before = [], after = [] } = change
  const added = after.filter((name) => !before.includes(name))
  const deleted = before.filter((name) => !after.includes(name))
  return [
    ...added.map((member) => `add element ${table} ${inSet(member, bridge)}`),
    ...deleted.map((member) => `delete element ${table} ${inSet(member, bridge)}`),
  ].join('\n')
}

function typeOf(name: SetName | ServiceSet): string {
  if (isServiceSet(name)) return serviceSets[name]
  return pairSets.has(name) ? 'ifname . ifname' : 'ifname'
}

const isServiceSet = (name: string): name is ServiceSet => Object.hasOwn(serviceSets, name)

function inSet(member: SetName | ServiceMember, bridge: string): string {
  return `${partsOf(member).set} { ${elementOf(member, bridge)} }`
}

function elementOf(member: SetName | ServiceMember, bridge: string): string {
  const element = nftInterfaceName(bridge)
  return [element, ...(pairSets.has(member) ? [element] : partsOf(member).key)].join(' . ')
}

function elementsOf(set: SetName | ServiceSet, policies: Policies): string {
  const elements = [...policies].flatMap(([bridge, policy]) =>
    policy.filter((member) => partsOf(member).set === set).map((member) => elementOf(member, bridge)),
  )
  return elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`
}
