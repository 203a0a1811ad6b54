// Networks as people read them.
import type { ContainerView, EndpointView, NetworkMemberView, NetworkView } from '@conet/sdk/client'
import { endpointState } from './endpoint-state.ts'
import { type Detail, shownId, shownList } from './short-id.ts'
import { facts, indented, table } from './table.ts'

export function networkTable(networks: readonly NetworkView[], detail: Detail): string {
  return table(
    ['NETWORK ID', 'NAME', 'DRIVER', 'LABELS', 'CONTAINERS'],
    networks.map(({ id, name, type, labels, containers }) => [
      shownId(id, detail),
      name,
      type,
      JSON.stringify(labels),
      shownList(containers, detail),
    ]),
  )
}

const { compare } = new Intl.Collator('en', { numeric: true })

/** A network with its subnets, and the containers' interfaces on it. */
export function networkPage(
  network: NetworkView,
  containers: readonly ContainerView[],
  detail: Detail,
): string {
  const endpoints = containers
    .toSorted((one, other) => compare(one.handle, other.handle))
    .flatMap((container) => container.endpoints)
    .filter(({ network_id, state }) => network_id === network.id && state !== 'deleting')
  const sections = [networkFacts(network), subnetTable(network), endpointTable(endpoints, detail)]
  const elsewhere = (network.members ?? []).filter(
    (member) => !network.endpoints.includes(member.endpoint_id),
  )
  if (elsewhere.length > 0) sections.push(memberTable(elsewhere, detail))
  if (network.scope === 'global' && network.members === undefined)
    sections.push('  on other hosts: not known now (conet status says why)\n')
  if (network.pending_removals !== undefined) sections.push(pendingTable(network, detail))
  return `network ${network.name}\n${sections.join('\n')}`
}

function networkFacts(network: NetworkView): string {
  const { default_policy: policy } = network
  return facts([
    ['id', network.id],
    ['driver', `${network.type} (${network.driver_state})`],
    ['state', network.state],
    ['scope', scopeWords(network)],
    ['internal', network.internal ? 'yes' : 'no'],
    ['labels', JSON.stringify(network.labels)],
    ['config', JSON.stringify(network.config)],
    ['default policy', policy === undefined ? undefined : JSON.stringify(policy)],
    ['created', network.created_at],
    ['last error', network.last_error],
  ])
}

function scopeWords({ scope, segment_id }: NetworkView): string | undefined {
  if (scope === undefined) return undefined
  return segment_id === undefined ? 'the cluster' : `the cluster, segment ${segment_id}`
}

/** The containers of other hosts. */
function memberTable(members: readonly NetworkMemberView[], detail: Detail): string {
  const rows = members.map(({ node, container, mac_address, addresses, endpoint_id }) => [
    node,
    container,
    mac_address,
    addresses.join(','),
    shownId(endpoint_id, detail),
  ])
  return `  on other hosts:\n${indented(table(['NODE', 'CONTAINER', 'MAC', 'ADDRESSES', 'ENDPOINT'], rows))}`
}

function subnetTable({ subnets, ipam, scope }: NetworkView): string {
  if (subnets.length === 0) return ipam === 'driver' ? '  addresses from the driver\n' : '  no subnets\n'
  const rows = subnets.map(({ subnet, gateway, range, exclude, capacity, blocks, used_by_node, ...here }) => [
    subnet,
    gateway ?? '',
    range ?? '',
    exclude.join(','),
    usage({ subnet, range, used: used_by_node ? sum(used_by_node) : here.used, capacity }),
    ...(blocks === undefined ? [] : [blockWords(blocks, used_by_node)]),
  ])
  const isShared = subnets.some(({ blocks }) => blocks !== undefined)
  const isOfHost = scope === 'global' && !isShared
  const headings = ['SUBNET', 'GATEWAY', 'RANGE', 'EXCLUDED', isOfHost ? 'USED HERE' : 'USED']
  return indented(table(isShared ? [...headings, 'BLOCKS'] : headings, rows))
}

type OfNodes = Readonly<Record<string, number>>

/** `one 2 (5 used), two 1 (0 used)` */
function blockWords(blocks: OfNodes, used: OfNodes = {}): string {
  return Object.entries(blocks)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([node, count]) => `${node} ${count} (${used[node] ?? 0} used)`)
    .join(', ')
}

function sum(ofNodes: OfNodes): number {
  return Object.values(ofNodes).reduce((total, count) => total + count, 0)
}

/** An IPv6 subnet has more addresses than its view can count. */
function usage({ subnet, range, used, capacity }: Usage): string {
  if (capacity < Number.MAX_SAFE_INTEGER) return `${used} of ${capacity}`
  const freeBits = (subnet.includes(':') ? 128 : 32) - Number(subnet.split('/')[1])
  return range === undefined ? `${used} of 2^${freeBits}` : String(used)
}

type Usage = Pick<NetworkView['subnets'][number], 'subnet' | 'used' | 'capacity'> & {
  range: string | undefined
}

function pendingTable({ type, driver_state, pending_removals = [] }: NetworkView, detail: Detail): string {
  const rows = pending_removals.map(({ endpoint_id, container, since }) => [
    container,
    shownId(endpoint_id, detail),
    since ?? '',
  ])
  const heading = `  removed, and gone once driver ${type} (${driver_state}) has confirmed:\n`
  return `${heading}${indented(table(['CONTAINER', 'ENDPOINT', 'SINCE'], rows))}`
}

function endpointTable(endpoints: readonly EndpointView[], detail: Detail): string {
  if (endpoints.length === 0) return '  no containers\n'
  const rows = endpoints.flatMap((endpoint) => endpointRows(endpoint, detail))
  return indented(table(['CONTAINER', 'INTERFACE', 'MAC', 'ADDRESSES', 'ENDPOINT', 'STATE'], rows))
}

function endpointRows(endpoint: EndpointView, detail: Detail): string[][] {
  const id = shownId(endpoint.id, detail)
  const state = endpointState(endpoint)
  if (endpoint.interfaces.length === 0) return [[endpoint.container, '', '', '', id, state]]
  return endpoint.interfaces.map(({ name, mac_address, addresses }) => [
    endpoint.container,
    name,
    mac_address,
    addresses.join(','),
    id,
    state,
  ])
}
