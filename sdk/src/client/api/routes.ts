// The one table of the HTTP API: the server's routes, the typed client and the OpenAPI document read it.
import { type TSchema, Type } from 'typebox'
import {
  ContainerConfigBody,
  ContainerList,
  ContainerView,
  EndpointView,
  PlugBody,
  Removal,
  UpBody,
} from './container.ts'
import { DriverList, DriverView, HealthView, StatusView } from './host.ts'
import { CreateNetworkBody, NetworkList, NetworkView } from './network.ts'

export type RouteEntry = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `:name` members are given by the caller, percent-encoded. */
  readonly path: string
  /** `client`: both sockets. `runtime`: the runtime socket alone. */
  readonly family: 'client' | 'runtime'
  readonly body?: TSchema
  readonly reply: TSchema
  /** The statuses of success, the usual one first. */
  readonly statuses: readonly number[]
  readonly summary: string
  /** True: the caller may send an Idempotency-Key, so that a lost answer does not make the thing twice. */
  readonly makesSomething?: boolean
}

const Empty = Type.Object({})

export const routes = {
  createNetwork: {
    method: 'POST',
    path: '/networks',
    family: 'client',
    body: CreateNetworkBody,
    reply: NetworkView,
    statuses: [201, 200],
    summary: 'Create a network. The same name and content again: 200; other content: 409.',
    makesSomething: true,
  },
  listNetworks: {
    method: 'GET',
    path: '/networks',
    family: 'client',
    reply: NetworkList,
    statuses: [200],
    summary: 'List networks, oldest first.',
  },
  getNetwork: {
    method: 'GET',
    path: '/networks/:network',
    family: 'client',
    reply: NetworkView,
    statuses: [200],
    summary: 'Show a network by id, unambiguous id prefix, or name.',
  },
  deleteNetwork: {
    method: 'DELETE',
    path: '/networks/:network',
    family: 'client',
    reply: Removal,
    statuses: [200, 202],
    summary: 'Delete a network without endpoints. 202: the driver is awaited.',
  },
  putContainerConfig: {
    method: 'PUT',
    path: '/containers/:handle/config',
    family: 'client',
    body: ContainerConfigBody,
    reply: ContainerView,
    statuses: [200, 201],
    summary: 'Define a container, or replace its definition while it is not up.',
  },
  getContainerConfig: {
    method: 'GET',
    path: '/containers/:handle/config',
    family: 'client',
    reply: ContainerConfigBody,
    statuses: [200],
    summary: 'The configuration as the client gave it.',
  },
  listContainers: {
    method: 'GET',
    path: '/containers',
    family: 'client',
    reply: ContainerList,
    statuses: [200],
    summary: 'List containers.',
  },
  getContainer: {
    method: 'GET',
    path: '/containers/:handle',
    family: 'client',
    reply: ContainerView,
    statuses: [200],
    summary: 'Show a container with its endpoints and interfaces.',
  },
  deleteContainer: {
    method: 'DELETE',
    path: '/containers/:handle',
    family: 'client',
    reply: Removal,
    statuses: [200, 202],
    summary: 'Forget a container; one that is up is taken down first.',
  },
  plug: {
    method: 'POST',
    path: '/containers/:handle/endpoints',
    family: 'client',
    body: PlugBody,
    reply: EndpointView,
    statuses: [201],
    summary: 'Plug a container into a network, running or not.',
    makesSomething: true,
  },
  unplug: {
    method: 'DELETE',
    path: '/containers/:handle/endpoints/:endpoint',
    family: 'client',
    reply: Removal,
    statuses: [200, 202],
    summary: 'Unplug an endpoint by its id or an unambiguous prefix. Gone already: 200.',
  },
  up: {
    method: 'POST',
    path: '/internal/containers/:handle/up',
    family: 'runtime',
    body: UpBody,
    reply: ContainerView,
    statuses: [200],
    summary: 'The container starts: hold or make its sandbox and plug all its endpoints.',
  },
  down: {
    method: 'POST',
    path: '/internal/containers/:handle/down',
    family: 'runtime',
    reply: Removal,
    statuses: [200, 202],
    summary: 'The container stopped: unplug everything, let go of the sandbox. Repeated: 200.',
  },
  listDrivers: {
    method: 'GET',
    path: '/drivers',
    family: 'client',
    reply: DriverList,
    statuses: [200],
    summary: 'List drivers with the state of their connections.',
  },
  getDriver: {
    method: 'GET',
    path: '/drivers/:driver',
    family: 'client',
    reply: DriverView,
    statuses: [200],
    summary: 'Show a driver with its schemas.',
  },
  stopDriver: {
    method: 'POST',
    path: '/drivers/:driver/stop',
    family: 'client',
    reply: Empty,
    statuses: [200],
    summary: 'End a driver that conetd started, and do not start it again.',
  },
  status: {
    method: 'GET',
    path: '/status',
    family: 'client',
    reply: StatusView,
    statuses: [200],
    summary: 'Where conetd lives, what it holds, and what on this machine stands in the way.',
  },
  health: {
    method: 'GET',
    path: '/healthz',
    family: 'client',
    reply: HealthView,
    statuses: [200],
    summary: 'Answers while conetd serves.',
  },
} as const satisfies Record<string, RouteEntry>

export type RouteName = keyof typeof routes
