// Containers as people read them.
import type { ContainerView, EndpointView, SandboxView } from '@conet/sdk/client'
import { endpointState } from './endpoint-state.ts'
import { mappedPortFacts } from './policy.ts'
import { type Detail, shownId, shownList } from './short-id.ts'
import { facts, indented, table } from './table.ts'

export function containerTable(containers: readonly ContainerView[], detail: Detail): string {
  return table(
    ['CONTAINER', 'STATE', 'NETWORKS', 'ADDRESSES', 'LABELS'],
    containers.map(({ handle, state, attachments, endpoints, labels }) => [
      handle,
      state,
      shownList([...new Set(attachments.map(({ network_name }) => network_name))], detail),
      shownList(addressesOf(endpoints), detail),
      JSON.stringify(labels),
    ]),
  )
}

/** A container with its networks in order, and the interfaces they give it. */
export function containerPage(container: ContainerView, detail: Detail): string {
  const sections = [
    containerFacts(container),
    attachmentTable(container, detail),
    interfaceTable(container.endpoints, detail),
    mappedPortFacts(container.networks),
    troubles(container.endpoints, detail),
  ]
  return `container ${container.handle}\n${sections.filter((section) => section !== '').join('\n')}`
}

function containerFacts(container: ContainerView): string {
  const { dns } = container
  return facts([
    ['state', container.state],
    ['sandbox', container.sandbox === undefined ? 'none' : sandboxText(container.sandbox)],
    ['process', goneText(container.process_gone)],
    ['unused', unusedText(container.unused)],
    ['labels', JSON.stringify(container.labels)],
    ['config', JSON.stringify(container.config)],
    ['dns', dns === undefined ? undefined : dnsText(dns)],
    ['created', container.created_at],
  ])
}

function goneText(gone: ContainerView['process_gone']): string | undefined {
  if (gone === undefined) return undefined
  return `gone since ${gone.since}${gone.down_at === undefined ? '' : `, taken down at ${gone.down_at}`}`
}

function unusedText(unused: ContainerView['unused']): string | undefined {
  if (unused === undefined) return undefined
  return `since ${unused.since}${unused.forgotten_at === undefined ? '' : `, forgotten at ${unused.forgotten_at}`}`
}

function dnsText({ servers, search, options }: NonNullable<ContainerView['dns']>): string {
  return [servers.join(','), ...search.map((domain) => `search ${domain}`), ...options].join(' ')
}

function sandboxText({ path, owner, pid }: SandboxView): string {
  return `${path} (made by the ${owner === 'conet' ? 'host' : 'runtime'}${pid === undefined ? '' : `, pid ${pid}`})`
}

function attachmentTable({ attachments, endpoints, state }: ContainerView, detail: Detail): string {
  if (attachments.length === 0) return '  no networks\n'
  const states = new Map(endpoints.map((endpoint) => [endpoint.id, endpointState(endpoint)]))
  const missing = state === 'up' ? 'not plugged' : ''
  const rows = attachments.map(({ name, network_name, network_id, endpoint_id }) => [
    name,
    network_name,
    shownId(network_id, detail),
    endpoint_id === undefined ? '' : shownId(endpoint_id, detail),
    endpoint_id === undefined ? missing : (states.get(endpoint_id) ?? ''),
  ])
  return indented(table(['ATTACHMENT', 'NETWORK', 'NETWORK ID', 'ENDPOINT', 'STATE'], rows))
}

function interfaceTable(endpoints: readonly EndpointView[], detail: Detail): string {
  const rows = endpoints.flatMap((endpoint) =>
    endpoint.interfaces.map((one) => [
      one.name,
      endpoint.network_name,
      one.mac_address,
      one.mtu === undefined ? '' : String(one.mtu),
      one.addresses.join(','),
      one.default_route ? 'yes' : 'no',
      one.routes.map(({ destination, gateway }) => via(destination, gateway)).join(','),
      shownId(endpoint.id, detail),
    ]),
  )
  if (rows.length === 0) return '  no interfaces\n'
  const headings = ['INTERFACE', 'NETWORK', 'MAC', 'MTU', 'ADDRESSES', 'DEFAULT ROUTE', 'ROUTES', 'ENDPOINT']
  return indented(table(headings, rows))
}

function via(destination: string, gateway: string | undefined): string {
  return gateway === undefined ? destination : `${destination} via ${gateway}`
}

function troubles(endpoints: readonly EndpointView[], detail: Detail): string {
  const broken = endpoints.filter((endpoint) => endpoint.last_error !== undefined)
  if (broken.length === 0) return ''
  return facts(broken.map(({ id, last_error }) => [`endpoint ${shownId(id, detail)}`, last_error]))
}

function addressesOf(endpoints: readonly EndpointView[]): string[] {
  return endpoints.flatMap(({ interfaces }) => interfaces.flatMap(({ addresses }) => addresses))
}
