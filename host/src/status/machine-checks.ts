// What on this machine stands in the way of containers' packets. Each code is explained in docs/operating.md.
import type { Finding } from '@conet/sdk/api'
import { isRoutedBy } from '../domain/network.ts'
import { type Check, some } from './check.ts'
import type { ForwardChain, MachineFacts, StatusFacts, StrayRoute } from './facts.ts'

/** Requests that need the rest of the program fail until then, each by itself. */
export const programUnavailable: Check = ({ programTrouble }) =>
  programTrouble === undefined
    ? []
    : [
        {
          severity: 'warning',
          code: 'program-unavailable',
          message: `conetd cannot load all of its program any more: ${programTrouble.message}`,
          ...(programTrouble.help === undefined ? {} : { help: programTrouble.help }),
        },
      ]

export const ipv4ForwardingOff: Check = ({ machine, networks }) => {
  const names = routedHere(networks, machine, 4)
  if (machine.ipv4Forwarding !== '0' || names.length === 0) return []
  return [forwardingOff('ip-forward-off', 'net.ipv4.ip_forward', names)]
}

/** Without IPv6 networks nobody wants it on: it changes how the machine treats router advertisements. */
export const ipv6ForwardingOff: Check = ({ machine, networks }) => {
  const names = routedHere(networks, machine, 6)
  if (machine.ipv6Forwarding !== '0' || names.length === 0) return []
  return [forwardingOff('ipv6-forwarding-off', 'net.ipv6.conf.all.forwarding', names)]
}

/** Answers come in by it. Where the whole machine does not forward, no interface does, and that is said. */
export const uplinkForwardingOff: Check = ({ machine, networks }) => {
  const { uplink, ipv4Forwarding } = machine
  const names = routedHere(networks, machine, 4)
  if (uplink?.forwarding !== '0' || ipv4Forwarding === '0' || names.length === 0) return []
  return [
    {
      severity: 'warning',
      code: 'uplink-forwarding-off',
      message: `${uplink.setting} is 0: what comes in by ${uplink.name}, which has the default route, does not reach network ${some(names)}`,
      help: `sysctl -w ${uplink.setting}=1, and see to it that no file in /etc/sysctl.d sets it to 0`,
    },
  ]
}

/** Also where somebody wants it so: only he knows. */
export const subnetsRoutedElsewhere: Check = ({ machine, networks }) =>
  networks.flatMap((network) => {
    const gateways = new Set(network.internal ? [] : network.subnets.map(({ gateway }) => gateway))
    const [first, ...others] = machine.strayRoutes.filter(({ gateway }) => gateways.has(gateway))
    return first === undefined ? [] : [routedElsewhere(network.name, [first, ...others])]
  })

export const bridgedPacketsFiltered: Check = ({ machine }) => {
  const settings = [
    { name: 'net.bridge.bridge-nf-call-iptables', value: machine.bridgeCallsIptables },
    { name: 'net.bridge.bridge-nf-call-ip6tables', value: machine.bridgeCallsIp6tables },
  ]
  const on = settings.filter(({ value }) => value === '1').map(({ name }) => name)
  if (on.length === 0) return []
  return [
    {
      severity: 'info',
      code: 'bridged-packets-filtered',
      message: `${on.join(' and ')} ${on.length === 1 ? 'is' : 'are'} 1: packets between containers of one bridge pass the forward chains of the firewall too`,
      help: 'leave it if a firewall of yours relies on it; rules that drop forwarded packets then also part containers of one network',
    },
  ]
}

/** Another table that accepts does not help: a packet must be accepted by every base chain of the hook. */
export const forwardPolicyDrop: Check = ({ machine }) =>
  machine.forwardChains
    .filter(({ table, rest }) => rest.verdict !== 'accept' && !isOurs(table))
    .map(forwardDropped)

export const firewallUnreadable: Check = ({ machine }) => {
  if (machine.firewallTrouble === undefined) return []
  return [
    {
      severity: 'warning',
      code: 'firewall-unreadable',
      message: `the firewall cannot be read, so rules that stand in the way are not seen: ${machine.firewallTrouble}`,
      help: 'install libnftables (Debian: apt-get install libnftables1) and run conetd as root',
    },
  ]
}

function forwardingOff(code: string, setting: string, networks: readonly string[]): Finding {
  return {
    severity: 'warning',
    code,
    message: `${setting} is 0: packets of network ${some(networks)} do not leave this machine, and do not reach other networks`,
    help: `sysctl -w ${setting}=1, and put it into a file in /etc/sysctl.d to keep it`,
  }
}

function forwardDropped(chain: ForwardChain): Finding {
  const { family, table, name, rest, packets, isLegacy } = chain
  const { verdict, by } = rest
  const where = `chain ${name} of ${isLegacy ? 'the legacy table' : 'table'} ${family} ${table}`
  const how = by === 'policy' ? `policy ${verdict}` : `a rule without conditions: ${verdict}`
  return {
    severity: 'warning',
    code: 'forward-policy-drop',
    message: `${where} ${verdict}s forwarded packets${packets === undefined ? '' : ` of ${packets}`} that no rule of it accepts (${how})`,
    help: `accept containers' packets there: ${accepting(chain)}, or narrower; with Docker in its chain DOCKER-USER, with ufw by "ufw route allow", with firewalld by "firewall-cmd --zone=trusted --add-source=SUBNET"`,
  }
}

/** The command that puts a rule at the beginning of a chain. */
function accepting({ family, table, name, isLegacy }: ForwardChain): string {
  if (!isLegacy) return `nft insert rule ${family} ${table} ${name} accept`
  return `${family}tables-legacy -t ${table} -I ${name} -j ACCEPT`
}

function routedElsewhere(network: string, strays: readonly [StrayRoute, ...StrayRoute[]]): Finding {
  const routes = strays.map(
    ({ destination, interfaceName: by }) => `${destination} ${by === undefined ? 'to nowhere' : `by ${by}`}`,
  )
  return {
    severity: 'warning',
    code: 'subnet-routed-elsewhere',
    message: `routes of this machine lead addresses of network ${network} elsewhere: ${some(routes)}; containers that have them are not reached`,
    help: `ip route delete ${strays[0].destination}, or create the network anew with a subnet that is free`,
  }
}

/** Networks whose way out is this machine. */
function routedHere(networks: StatusFacts['networks'], { addresses }: MachineFacts, family: 4 | 6): string[] {
  return networks.filter((network) => isRoutedBy(network, { addresses, family })).map(({ name }) => name)
}

/** Every table of a driver of the tree begins so. */
function isOurs(table: string): boolean {
  return table.startsWith('conet')
}
