// The answer to Guardian's `up`: properties that Garden keeps and shows, and how the container resolves names.
import type { ContainerView, MappedPortView, NetworkInfoView } from '@conet/sdk/client'

export type UpAnswer = {
  readonly properties: Readonly<Record<string, string>>
  readonly dns_servers?: readonly string[]
  readonly search_domains?: readonly string[]
}

/**
 * `garden.network.*` says what the primary network has, `conet.networks.NAME.*` what each has. The external address of
 * the former stays Guardian's, which has set it before. Where nobody names a
 * server the key is left out, and Guardian gives the container its own.
 */
export function upAnswer({ networks, dns }: ContainerView): UpAnswer {
  const first = Object.values(networks).find(({ primary }) => primary)
  const each = Object.entries(networks).map(([name, info]) =>
    prefixed(`conet.networks.${name}.`, { ...common(info), ...further(info) }),
  )
  const own =
    first === undefined ? {} : prefixed('garden.network.', { ...common(first), ...gardenPorts(first) })
  return {
    properties: Object.assign({}, own, ...each),
    ...(dns !== undefined && dns.servers.length > 0 && { dns_servers: dns.servers }),
    ...(dns !== undefined && dns.search.length > 0 && { search_domains: dns.search }),
  }
}

type Texts = Readonly<Record<string, string | undefined>>

/** Garden has one of each, whatever the family, and knows no container without. */
function common(info: NetworkInfoView): Texts {
  return {
    'container-ip': info.container_ip ?? info.container_ipv6,
    'container-ipv6': info.container_ipv6,
    'host-ip': info.host_ip ?? info.host_ipv6,
    interface: info.interface,
  }
}

function further(info: NetworkInfoView): Texts {
  return {
    'external-ip': info.external_ip,
    'mac-address': info.mac_address,
    'network-id': info.network_id,
    'network-name': info.network_name,
    'endpoint-id': info.endpoint_id,
    type: info.type,
    'mapped-ports': JSON.stringify(
      info.mapped_ports.flatMap((port) =>
        singlePorts(port).map((single) => ({ ...single, Protocol: port.protocol, ...hostAddress(port) })),
      ),
    ),
  }
}

/** Garden's ports are TCP's. */
function gardenPorts({ mapped_ports: ports }: NetworkInfoView): Texts {
  const tcp = ports.filter(({ protocol }) => protocol === 'tcp')
  return { 'mapped-ports': JSON.stringify(tcp.flatMap(singlePorts)) }
}

/** Garden's form has no room for it. */
function hostAddress({ host_address }: MappedPortView) {
  return host_address === undefined ? {} : { HostAddress: host_address }
}

function singlePorts({ host_port, container_port, count = 1 }: MappedPortView) {
  return Array.from({ length: count }, (_, n) => ({
    HostPort: host_port + n,
    ContainerPort: container_port + n,
  }))
}

function prefixed(prefix: string, texts: Texts): Record<string, string> {
  const said = Object.entries(texts).flatMap(([key, text]) =>
    text === undefined ? [] : [[`${prefix}${key}`, text] as const],
  )
  return Object.fromEntries(said)
}
