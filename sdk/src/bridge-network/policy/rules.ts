// What a document and its network say about what a container may send, as one list of rules in the order in which
// they count, and what that list makes of a packet.
import { ConetError, type FieldError } from '../../errors/index.ts'
import type { AddressRange, EgressConfig, NetOutRule } from './document.ts'
import {
  anyAddress,
  anyPort,
  type Family,
  type IpRange,
  type PortRange,
  parseWrittenRange,
} from './ranges.ts'

/** Numbers of IP protocols. */
export const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const

/** What becomes of a packet. */
export type Verdict = 'allow' | 'deny'

export type Rule = {
  readonly verdict: Verdict
  readonly isLogged: boolean
  /** Undefined: every one. */
  readonly protocol: number | undefined
  /** Whole families where the document names no networks. */
  readonly networks: readonly IpRange[]
  /** Ports, or `type * 256 + code` of ICMP. */
  readonly selectors: readonly PortRange[]
}

/** What a network says of all of its members. */
export type EgressPlan = {
  readonly usual: Verdict
  readonly denied: readonly IpRange[]
  /** Whether `denied` wins over rules of members. */
  readonly isDenialFirst: boolean
}

/** All that decides on what a container sends: the first rule that fits, else `usual`. */
export type EgressPolicy = { readonly usual: Verdict; readonly rules: readonly Rule[] }

/** What rules look at. `selector`: the destination port, or `type * 256 + code` of ICMP. */
export type Packet = {
  readonly family: Family
  readonly protocol: number
  readonly destination: bigint
  readonly selector: number
}

/** Whatever members do that have no rules of their own. */
export const openEgress: EgressPlan = { usual: 'allow', denied: [], isDenialFirst: true }

/** What a network's `config` says of its members. Throws `invalidArgument` that names the fields. */
export function egressPlanOf({
  egress = 'allow',
  deny_networks = [],
  deny_precedence = 'deny',
}: EgressConfig): EgressPlan {
  const denied = parseNetworks(deny_networks, 'config.deny_networks')
  return { usual: egress, denied, isDenialFirst: deny_precedence === 'deny' }
}

/** Later rules of a document count first. Throws `invalidArgument` that names the fields. */
export function egressPolicy(network: EgressPlan, netOut: readonly NetOutRule[]): EgressPolicy {
  const faults: FieldError[] = []
  const own = netOut.map((rule, at) => parseRule(rule, { path: `policy.net_out[${at}]`, faults })).reverse()
  if (faults.length > 0) throw invalid(faults)
  const { usual, denied, isDenialFirst } = network
  const denial = denied.length === 0 ? [] : [denialOf(denied)]
  return { usual, rules: isDenialFirst ? [...denial, ...own] : [...own, ...denial] }
}

/** The rule that decides on a packet; undefined where none fits. */
export function ruleFor({ rules }: EgressPolicy, packet: Packet): Rule | undefined {
  return rules.find((rule) => fits(rule, packet))
}

function parseNetworks(networks: readonly AddressRange[], path: string): IpRange[] {
  const faults: FieldError[] = []
  const ranges = networksOf(networks, { path, faults })
  if (faults.length > 0) throw invalid(faults)
  return ranges
}

function fits({ protocol, networks, selectors }: Rule, packet: Packet): boolean {
  if (protocol !== undefined && protocol !== packet.protocol) return false
  const isThere = networks.some(
    ({ family, start, end }) =>
      family === packet.family && start <= packet.destination && packet.destination <= end,
  )
  if (!isThere) return false
  return selectors.some(({ start, end }) => start <= packet.selector && packet.selector <= end)
}

function denialOf(networks: readonly IpRange[]): Rule {
  return { verdict: 'deny', isLogged: false, protocol: undefined, networks, selectors: [anyPort] }
}

/** Where something stands in the document, and what has been found wrong so far. */
type Reading = { readonly path: string; readonly faults: FieldError[] }

const gardenProtocols = ['all', 'tcp', 'udp', 'icmp', 'icmpv6'] as const

function parseRule(rule: NetOutRule, { path, faults }: Reading): Rule {
  const { protocol: written = 'all', networks = [], ports = [], log = false, action = 'allow' } = rule
  const name = typeof written === 'number' ? (gardenProtocols[written] ?? 'all') : written
  const isIcmp = name === 'icmp' || name === 'icmpv6'
  if (ports.length > 0 && (isIcmp || name === 'all')) {
    faults.push({ path: `${path}.ports`, message: `cannot be given for protocol ${name}` })
  }
  if (rule.icmps !== undefined && !isIcmp) {
    faults.push({ path: `${path}.icmps`, message: `cannot be given for protocol ${name}` })
  }
  const given =
    networks.length === 0 ? everywhere : networksOf(networks, { path: `${path}.networks`, faults })
  const fitting = familiesOf(name, given)
  if (given.length > 0 && fitting.length === 0) {
    faults.push({ path: `${path}.networks`, message: `has none of the family of ${name}` })
  }
  return {
    verdict: action,
    isLogged: log,
    protocol: name === 'all' ? undefined : protocols[name],
    networks: fitting,
    selectors: isIcmp ? [icmpSelectors(rule.icmps)] : portsOf(ports, { path: `${path}.ports`, faults }),
  }
}

function networksOf(networks: readonly AddressRange[], { path, faults }: Reading): IpRange[] {
  return networks.flatMap((network, at) => {
    try {
      return [parseWrittenRange(network)]
    } catch (error) {
      faults.push({ path: `${path}[${at}]`, message: error instanceof Error ? error.message : String(error) })
      return []
    }
  })
}

const everywhere: readonly IpRange[] = [anyAddress(4), anyAddress(6)]

/** ICMP is of one family only. */
function familiesOf(name: string, networks: readonly IpRange[]): readonly IpRange[] {
  if (name === 'icmp') return networks.filter(({ family }) => family === 4)
  return name === 'icmpv6' ? networks.filter(({ family }) => family === 6) : networks
}

/** How Garden's clients say "any" for a type and a code. */
const anyIcmp = 255

function icmpSelectors(icmps: NetOutRule['icmps']): PortRange {
  const type = icmps === undefined ? anyIcmp : (icmps.type ?? 0)
  if (type === anyIcmp) return anyPort
  const { code = anyIcmp } = icmps ?? {}
  const first = type * 256
  return code === anyIcmp ? { start: first, end: first + 255 } : { start: first + code, end: first + code }
}

function portsOf(ports: NonNullable<NetOutRule['ports']>, { path, faults }: Reading): readonly PortRange[] {
  if (ports.length === 0) return [anyPort]
  return ports.flatMap((range, at) => {
    if (range.start === undefined && range.end === undefined) {
      faults.push({ path: `${path}[${at}]`, message: 'must have a start or an end' })
      return []
    }
    const { start = 0 } = range
    // Go leaves out a start of 0, and has 0 for an end that nobody gave.
    const end = range.end || start
    const message = start > end ? 'must not end before it starts' : 'is port 0 alone, which nobody has'
    if (start <= end && end > 0) return [{ start, end }]
    faults.push({ path: `${path}[${at}]`, message })
    return []
  })
}

const mostFaults = 32

function invalid(faults: readonly FieldError[]): ConetError {
  const fields = faults.slice(0, mostFaults)
  const text = fields.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new ConetError('invalidArgument', text, { fields })
}
