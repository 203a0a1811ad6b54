// Policies and counters as people read them.
import type { ContainerMetricsView, ContainerPolicyView, NetworkView } from '@conet/sdk/client'
import { facts, table } from './table.ts'

export function policyTable({ effective }: ContainerPolicyView): string {
  const rows = Object.entries(effective).map(([name, view]) => [
    name,
    view.network_name,
    view.added === undefined ? view.source : `${view.source} + added`,
    view.last_error === undefined ? view.state : `${view.state}: ${view.last_error}`,
    view.mapped_ports.map(portText).join(','),
    view.policy === undefined ? '' : JSON.stringify(view.policy),
  ])
  return table(['ATTACHMENT', 'NETWORK', 'FROM', 'STATE', 'PORTS', 'POLICY'], rows)
}

export function defaultPolicyText({ default_policy: policy }: NetworkView): string {
  return policy === undefined ? 'none' : JSON.stringify(policy)
}

export type MetricsByHandle = Readonly<Record<string, ContainerMetricsView>>

export function metricsTable(containers: MetricsByHandle): string {
  const rows = Object.entries(containers).flatMap(([handle, { networks }]) =>
    Object.entries(networks).map(([name, counted]) => [
      handle,
      name,
      counted.interface,
      ...[counted.rx_bytes, counted.rx_packets, counted.rx_errors, counted.rx_dropped].map(String),
      ...[counted.tx_bytes, counted.tx_packets, counted.tx_errors, counted.tx_dropped].map(String),
    ]),
  )
  const received = ['RX BYTES', 'PACKETS', 'ERRORS', 'DROPPED']
  const sent = ['TX BYTES', 'PACKETS', 'ERRORS', 'DROPPED']
  return table(['CONTAINER', 'ATTACHMENT', 'INTERFACE', ...received, ...sent], rows)
}

type MappedPort = ContainerPolicyView['effective'][string]['mapped_ports'][number]

/** `192.0.2.1:8080→80/tcp`, `61001-61004→7001-7004/udp`. */
export function portText({
  protocol,
  host_port: hostPort,
  container_port: containerPort,
  count = 1,
  host_address: address,
}: MappedPort): string {
  const range = (first: number) => (count === 1 ? String(first) : `${first}-${first + count - 1}`)
  const place = address === undefined ? '' : address.includes(':') ? `[${address}]:` : `${address}:`
  return `${place}${range(hostPort)}→${range(containerPort)}/${protocol}`
}

/** A page of `container inspect`: nothing where no port is mapped. */
export function mappedPortFacts(networks: Readonly<Record<string, { mapped_ports: MappedPort[] }>>): string {
  const mapped = Object.entries(networks).filter(([, { mapped_ports: ports }]) => ports.length > 0)
  if (mapped.length === 0) return ''
  return facts(
    mapped.map(([name, { mapped_ports: ports }]) => [`ports of ${name}`, ports.map(portText).join(', ')]),
  )
}
