// The state of the host, and an event, as people read them.
import type { ClusterView, EventView, Finding, StatusView } from '@conet/sdk/client'
import { printable } from './printable.ts'
import { type Detail, shownId, shownList } from './short-id.ts'
import { facts } from './table.ts'

export function statusPage(status: StatusView): string {
  const { counts, findings } = status
  const words = [
    counted(counts.networks, 'network'),
    counted(counts.containers, 'container'),
    counted(counts.endpoints, 'endpoint'),
    counted(counts.drivers, 'driver'),
  ]
  const page = facts([
    ['socket', status.socket],
    ['runtime socket', status.runtime_socket],
    ['driver directory', status.driver_dir],
    ['run directory', status.run_dir],
    ['state directory', status.state_dir],
    ['holds', words.join(', ')],
    ['cluster', status.cluster && clusterWords(status.cluster)],
    [
      'deletions',
      counts.pending_deletions === 0 ? undefined : `${counts.pending_deletions} to be confirmed by a driver`,
    ],
  ])
  const title = `conetd ${status.version}, pid ${status.pid}, since ${status.started_at}\n`
  return `${title}${page}\n${findingLines(findings)}`
}

/** `host1, takes part: 3 hosts, 2 alive, 1 away: host3; etcd at 10.0.0.1:2379 answers` */
function clusterWords({ node, state, store, nodes = 0, nodes_away: away = [] }: ClusterView): string {
  const where = `etcd at ${store.join(', ')}`
  if (state !== 'joined') return `${node}, ${state === 'away' ? 'has no part now' : 'is joining'}: ${where}`
  const some = `${nodes - away.length} alive, ${away.length} away: ${shownList(away, 'short')}`
  const living = away.length === 0 ? 'all alive' : some
  return `${node}, takes part: ${counted(nodes, 'host')}, ${living}; ${where} answers`
}

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}

function findingLines(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'nothing stands in the way\n'
  return findings
    .map(({ severity, code, message, help }) => {
      const line = printable(`${severity}: ${message} [${code}]`)
      return help === undefined ? `${line}\n` : `${line}\n  try: ${printable(help)}\n`
    })
    .join('')
}

/** `2026-01-02T03:04:05.000Z 12 endpoint.plugged container=c1 network=67ea60624dfc`. */
export function eventLine(event: EventView, detail: Detail): string {
  const about = [
    ['driver', event.driver],
    ['container', event.container],
    ['network', event.network_id === undefined ? undefined : shownId(event.network_id, detail)],
    ['endpoint', event.endpoint_id === undefined ? undefined : shownId(event.endpoint_id, detail)],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  const message = event.message === undefined ? [] : [event.message]
  return `${printable([event.time, event.id, event.type, ...about, ...message].join(' '))}\n`
}
