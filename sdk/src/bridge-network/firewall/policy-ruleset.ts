// The text of the table for policies and ports (nft(8)): what stands around the elements and compiled policies. It may be
// run over a table that is in use: maps keep their elements, and chains get their rules anew in the same transaction.

/**
 * The maps and sets that have elements of networks and endpoints. What a source leads to is the number of a policy, and
 * not the policy's chain: whenever an element is added that leads to a chain, the kernel walks through all chains again
 * (2 ms for 1,000), and not for a number. So a packet carries the number from the one map to the other, in the place of
 * its priority, which is 0 again before anybody else looks.
 */
export const tableMaps = {
  bridges: 'set ifname',
  peers: 'set ifname . ifname',
  mirrors4: 'set ipv4_addr . ipv4_addr',
  mirrors6: 'set ipv6_addr . ipv6_addr',
  sources4: 'map ifname . ipv4_addr : classid',
  sources6: 'map ifname . ipv6_addr : classid',
  networks4: 'map ifname : classid',
  networks6: 'map ifname : classid',
  ports4: 'map ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service',
  ports6: 'map ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service',
  any_ports4: 'map inet_proto . inet_service : ipv4_addr . inet_service',
  any_ports6: 'map inet_proto . inet_service : ipv6_addr . inet_service',
  apart: 'set ifname . ifname',
  pairs4: 'set ipv4_addr . ipv4_addr . inet_proto . inet_service',
  pairs6: 'set ipv6_addr . ipv6_addr . inet_proto . inet_service',
  pair_ranges4: 'set ipv4_addr . ipv4_addr . inet_proto . inet_service',
  pair_ranges6: 'set ipv6_addr . ipv6_addr . inet_proto . inet_service',
} as const

export type TableMap = keyof typeof tableMaps

/** Sets whose elements are ranges of ports: the kernel takes longer for one than for an element of the others. */
const rangeSets: readonly string[] = ['pair_ranges4', 'pair_ranges6'] satisfies TableMap[]

/** From the number of a policy to its chain. */
export const policiesMap = 'policies'

/** The policy of those who may do whatever they like, in a network where others may not. */
export const openPolicy = { name: 'allow', number: 0x10 } as const

/**
 * What a packet carries from here to the driver's other table where a policy lets one member reach another: there it is let through, and
 * is 0 again. Without this table nothing has it, and members stay apart.
 */
export const pairMark = '0:20'

/** Where all lead that are refused: TCP hears of it by a reset, in the middle of a connection too. */
export const refusal = 'refuse'

const translate = `
    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports4
    fib daddr type local dnat ip to meta l4proto . th dport map @any_ports4
    fib daddr type local dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6
    fib daddr type local dnat ip6 to meta l4proto . th dport map @any_ports6`

/**
 * A packet is looked up once by its source, and then in the few sets of one policy, however many there are. Members of
 * one network are not kept from each other, as in Garden. `forward` comes before that of the driver's other table.
 *
 * What leads back into the network it came from (`peers`) has to carry the machine's address, or the answer would not
 * come by the machine; and so does what the machine sends from 127.0.0.1. Where bridge-nf-call-iptables is 1 such packets do
 * not leave the bridge, and show no `iifname`: then only what a member sends to itself needs it (`mirrors`).
 *
 * The middle of a connection that nobody knows is one that was cut: taken for a new one, it would go on from its other end.
 *
 * Members that are kept apart (`apart`) send each other what policies allow by way of the machine. It would tell each that the other is
 * on its own link, which leads nowhere: `redirects`.
 *
 * What comes from elsewhere for 127.0.0.0/8 is left to the kernel, which drops it: translated, it would pass for a packet to
 * the member. The machine's own is translated in `output`; but for ::1, for which no interface can be made to carry it away
 * (there is no `route_localnet`): it would be lost, and so the machine answers itself, which refuses it at once.
 */
const chains: Readonly<Record<string, string>> = {
  [openPolicy.name]: `
    meta priority set 0:0 accept`,
  // A reset would come from the container that a port of the machine leads to, whom the sender does not know.
  [refusal]: `
    ct status dnat reject with icmpx port-unreachable
    meta l4proto tcp reject with tcp reset
    reject with icmpx port-unreachable`,
  forward: `
    type filter hook forward priority filter - 10; policy accept;
    ct state established,related accept
    iifname . oifname @apart jump pairs
    iifname . oifname @peers accept
    oifname @bridges ct state new tcp flags & (fin | syn | rst | ack) != syn reject with tcp reset
    iifname @bridges goto find_policy`,
  pairs: `
    ct status dnat return
    ct state new tcp flags & (fin | syn | rst | ack) != syn reject with tcp reset
    ip saddr . ip daddr . meta l4proto . th dport @pairs4 goto pass
    ip saddr . ip daddr . meta l4proto . th dport @pair_ranges4 goto pass
    ip6 saddr . ip6 daddr . meta l4proto . th dport @pairs6 goto pass
    ip6 saddr . ip6 daddr . meta l4proto . th dport @pair_ranges6 goto pass
    goto ${refusal}`,
  pass: `
    meta priority set ${pairMark} accept`,
  redirects: `
    type filter hook output priority filter; policy accept;
    oifname . oifname @apart icmp type redirect drop
    oifname . oifname @apart icmpv6 type nd-redirect drop`,
  find_policy: `
    meta priority set 0:0
    meta priority set iifname . ip saddr map @sources4
    meta priority set iifname . ip6 saddr map @sources6
    meta priority 0:0 meta nfproto ipv4 meta priority set iifname map @networks4
    meta priority 0:0 meta nfproto ipv6 meta priority set iifname map @networks6
    meta priority vmap @policies`,
  prerouting: `
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 127.0.0.0/8 return${translate}`,
  output: `
    type nat hook output priority -100; policy accept;
    ip6 daddr ::1 return${translate}`,
  postrouting: `
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat iifname . oifname @peers masquerade
    ct status dnat ip saddr . ip daddr @mirrors4 masquerade
    ct status dnat ip6 saddr . ip6 daddr @mirrors6 masquerade
    ct status dnat ip saddr 127.0.0.0/8 oifname @bridges masquerade`,
}

/** All chains that are no policy's. */
export const baseChains: readonly string[] = Object.keys(chains)

/** Makes the table, or brings what is there to this version around its elements. */
export function policyTable(table: string): string {
  const maps = Object.entries(tableMaps).map(([name, type]) => mapText(name, type))
  const rules = baseChains.map((name) => `  chain ${name} {${rulesOf(name)}\n  }`)
  return [
    `table inet ${table} {`,
    ...maps,
    mapText(policiesMap, 'map classid : verdict'),
    '}',
    ...baseChains.map((name) => `add chain inet ${table} ${name}${hookOf(name)}`),
    ...baseChains.map((name) => `flush chain inet ${table} ${name}`),
    `table inet ${table} {`,
    ...rules,
    '}',
    `add element inet ${table} ${policiesMap} { 0:${openPolicy.number.toString(16)} : goto ${openPolicy.name} }\n`,
  ].join('\n')
}

function mapText(name: string, type: string): string {
  const [kind, ...rest] = type.split(' ')
  const flags = rangeSets.includes(name) ? ' flags interval;' : ''
  return `  ${kind} ${name} { type ${rest.join(' ')};${flags} }`
}

const isHook = (line: string) => line.trimStart().startsWith('type ')

function hookOf(name: string): string {
  const hook = chains[name]?.split('\n').find(isHook)
  return hook === undefined ? '' : ` { ${hook.trim()} }`
}

function rulesOf(name: string): string {
  return (chains[name] ?? '')
    .split('\n')
    .filter((line) => !isHook(line))
    .join('\n')
}
