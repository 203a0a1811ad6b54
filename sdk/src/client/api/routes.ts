// The one table of the HTTP API: the server's routes, the typed client and the OpenAPI document read it.
import { type TSchema, Type } from 'typebox'
import { ContainerList, ContainerView, EndpointView, Removal } from './container.ts'
import { ContainerConfigBody, PlugBody, UpBody } from './container-request.ts'
import { GardenMappedPort, GardenNetIn, GardenNetOutRule, GardenNetOutRules } from './garden.ts'
import { DriverList, DriverView, EventList, HealthView, StatusView } from './host.ts'
import { CreateNetworkBody, NetworkList, NetworkView } from './network.ts'
import { NodeDetailView, NodeList } from './node.ts'
import {
  ContainerMetricsList,
  ContainerMetricsView,
  ContainerPolicyBody,
  ContainerPolicyView,
  DefaultPolicyBody,
} from './policy.ts'
import { PoolsView } from './pool.ts'
import { ReconciliationView } from './reconciliation.ts'
import { type RequestLine, type RouteName, requestLines } from './request-lines.ts'

/** A call of the HTTP API with its schemas. */
export type RouteEntry = RequestLine & {
  readonly body?: TSchema
  readonly reply: TSchema
  /** The statuses of success, the usual one first. */
  readonly statuses: readonly number[]
  readonly summary: string
  /** True: one of Garden's calls, answered in its form, for clients that have no other. */
  readonly isLegacy?: boolean
}

const Empty = Type.Object({})

/** Every call of the HTTP API with the schemas of its body and its reply: the source of `GET /openapi.json`. */
export const routes = {
  createNetwork: {
    ...requestLines.createNetwork,
    body: CreateNetworkBody,
    reply: NetworkView,
    statuses: [201, 200],
    summary: 'Create a network. The same name and content again: 200; other content: 409.',
  },
  listNetworks: {
    ...requestLines.listNetworks,
    reply: NetworkList,
    statuses: [200],
    summary: 'List networks, oldest first.',
  },
  getNetwork: {
    ...requestLines.getNetwork,
    reply: NetworkView,
    statuses: [200],
    summary: 'Show a network by id, unambiguous id prefix, or name.',
  },
  deleteNetwork: {
    ...requestLines.deleteNetwork,
    reply: Removal,
    statuses: [200, 202],
    summary: 'Delete a network without endpoints. 202: the driver is awaited.',
  },
  forgetNetwork: {
    ...requestLines.forgetNetwork,
    reply: Empty,
    statuses: [200],
    summary:
      'Strike a network off the record while its driver is not connected. What the driver made of it stays in the kernel until the driver is back.',
  },
  putContainerConfig: {
    ...requestLines.putContainerConfig,
    body: ContainerConfigBody,
    reply: ContainerView,
    statuses: [200, 201],
    summary: 'Define a container, or replace its definition while it is not up.',
  },
  getContainerConfig: {
    ...requestLines.getContainerConfig,
    reply: ContainerConfigBody,
    statuses: [200],
    summary: 'The configuration as the client gave it.',
  },
  putContainerPolicy: {
    ...requestLines.putContainerPolicy,
    body: ContainerPolicyBody,
    reply: ContainerPolicyView,
    statuses: [200],
    summary:
      'Change policies of a container, before or while it runs: all of them or none. Absent keeps, null resets to the default.',
  },
  getContainerPolicy: {
    ...requestLines.getContainerPolicy,
    reply: ContainerPolicyView,
    statuses: [200],
    summary: 'The policies of a container, and what stands for each of its attachments.',
  },
  putDefaultPolicy: {
    ...requestLines.putDefaultPolicy,
    body: DefaultPolicyBody,
    reply: NetworkView,
    statuses: [200],
    summary:
      'Set the default policy of a network: the document itself, or null. Reaches containers that run and have none of their own.',
  },
  getDefaultPolicy: {
    ...requestLines.getDefaultPolicy,
    reply: DefaultPolicyBody,
    statuses: [200],
    summary: 'The default policy of a network as it was given: the document itself, or null.',
  },
  getContainerMetrics: {
    ...requestLines.getContainerMetrics,
    reply: ContainerMetricsView,
    statuses: [200],
    summary: 'What went through each network of a container.',
  },
  listContainerMetrics: {
    ...requestLines.listContainerMetrics,
    reply: ContainerMetricsList,
    statuses: [200],
    summary: 'What went through each network of every container.',
  },
  listContainers: {
    ...requestLines.listContainers,
    reply: ContainerList,
    statuses: [200],
    summary: 'List containers.',
  },
  getContainer: {
    ...requestLines.getContainer,
    reply: ContainerView,
    statuses: [200],
    summary: 'Show a container with its endpoints and interfaces.',
  },
  deleteContainer: {
    ...requestLines.deleteContainer,
    reply: Removal,
    statuses: [200, 202],
    summary: 'Forget a container; one that is up is taken down first.',
  },
  getContainerEvents: {
    ...requestLines.getContainerEvents,
    reply: EventList,
    statuses: [200],
    summary:
      'The last events of a container, failures with their errors, oldest first; also of one that is gone.',
  },
  plug: {
    ...requestLines.plug,
    body: PlugBody,
    reply: EndpointView,
    statuses: [201],
    summary: 'Plug a container into a network, running or not.',
  },
  unplug: {
    ...requestLines.unplug,
    reply: Removal,
    statuses: [200, 202],
    summary: 'Unplug an endpoint by its id or an unambiguous prefix. Gone already: 200.',
  },
  up: {
    ...requestLines.up,
    body: UpBody,
    reply: ContainerView,
    statuses: [200],
    summary: 'The container starts: hold or make its sandbox and plug all its endpoints.',
  },
  down: {
    ...requestLines.down,
    reply: Removal,
    statuses: [200, 202],
    summary: 'The container stopped: unplug everything, let go of the sandbox. Repeated: 200.',
  },
  netIn: {
    ...requestLines.netIn,
    body: GardenNetIn,
    reply: GardenMappedPort,
    statuses: [200],
    summary: 'Map a port of the host to one of the container. Instead: putPolicy.',
    isLegacy: true,
  },
  netOut: {
    ...requestLines.netOut,
    body: GardenNetOutRule,
    reply: Empty,
    statuses: [200],
    summary: 'Let the container reach more. Instead: putPolicy.',
    isLegacy: true,
  },
  netOutBulk: {
    ...requestLines.netOutBulk,
    body: GardenNetOutRules,
    reply: Empty,
    statuses: [200],
    summary: 'Several rules at once, all or none. Instead: putPolicy.',
    isLegacy: true,
  },
  listDrivers: {
    ...requestLines.listDrivers,
    reply: DriverList,
    statuses: [200],
    summary: 'List drivers with the state of their connections.',
  },
  getDriver: {
    ...requestLines.getDriver,
    reply: DriverView,
    statuses: [200],
    summary: 'Show a driver with its schemas.',
  },
  startDriver: {
    ...requestLines.startDriver,
    reply: Empty,
    statuses: [200],
    summary: 'Start a driver that conetd has a program of, and keep it running. Started already: 200.',
  },
  stopDriver: {
    ...requestLines.stopDriver,
    reply: Empty,
    statuses: [200],
    summary: 'End a driver that conetd started, and do not start it again.',
  },
  listNodes: {
    ...requestLines.listNodes,
    reply: NodeList,
    statuses: [200],
    summary: 'List the hosts of the cluster; this one alone where there is none.',
  },
  getNode: {
    ...requestLines.getNode,
    reply: NodeDetailView,
    statuses: [200],
    summary: 'Show a host of the cluster with what it has of each network.',
  },
  removeNode: {
    ...requestLines.removeNode,
    reply: Empty,
    statuses: [200],
    summary: 'Put a host that is away into quarantine: what it has stays its own.',
  },
  fenceNode: {
    ...requestLines.fenceNode,
    reply: Empty,
    statuses: [200],
    summary: 'Remove a host that cannot come back by itself, and free what it has.',
  },
  listPools: {
    ...requestLines.listPools,
    reply: PoolsView,
    statuses: [200],
    summary: 'How much of each pool of subnets, addresses and ports is taken.',
  },
  previewReconciliation: {
    ...requestLines.previewReconciliation,
    reply: ReconciliationView,
    statuses: [200],
    summary: 'Compare the record with what drivers have and which sandboxes are held. Changes nothing.',
  },
  reconcile: {
    ...requestLines.reconcile,
    reply: ReconciliationView,
    statuses: [200],
    summary: 'The same, and mend what differs. Running containers keep their networks.',
  },
  status: {
    ...requestLines.status,
    reply: StatusView,
    statuses: [200],
    summary: 'Where conetd lives, what it holds, and what on this machine stands in the way.',
  },
  health: {
    ...requestLines.health,
    reply: HealthView,
    statuses: [200],
    summary: 'Answers while conetd serves.',
  },
} as const satisfies Record<RouteName, RouteEntry>
