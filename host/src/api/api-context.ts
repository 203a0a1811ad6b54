// What the API needs of the host: the operations, and what may be read. Knows no sockets and no drivers' sessions.
import type { Dns } from '@conet/sdk'
import type {
  ContainerConfigBody,
  ContainerView,
  CreateNetworkBody,
  DriverView,
  EventView,
  GardenMappedPort,
  GardenNetIn,
  GardenNetOutRule,
  NodeDetailView,
  NodeView,
  PlugBody,
  PoolsView,
  ReconciliationView,
  StatusView,
  UpBody,
} from '@conet/sdk/api'
import type { Logger } from 'pino'
import type { WholeNetwork } from '../cluster/whole-network.ts'
import type { ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { PolicyDocument, PolicyPatch } from '../domain/policy.ts'
import type { Operation, Removed } from '../lifecycle/index.ts'
import type { Counters, ResolverPaths } from '../sandbox/index.ts'
import type { IdempotencyKeys } from './idempotency-keys.ts'

/** The lifecycle's operations, bound to the host. */
export type Operations = {
  createNetwork(
    body: CreateNetworkBody,
    operation: Operation,
  ): Promise<{ network: NetworkRecord; created: boolean }>
  deleteNetwork(key: string, operation: Operation): Promise<Removed>
  /** Though its driver cannot be told. */
  forgetNetwork(key: string, operation: Operation): Promise<void>
  configureContainer(
    handle: string,
    body: ContainerConfigBody,
    operation: Operation,
  ): Promise<{ container: ContainerRecord; created: boolean }>
  setPolicies(handle: string, patch: PolicyPatch, operation: Operation): Promise<ContainerRecord>
  setDefaultPolicy(
    network: string,
    policy: PolicyDocument | null,
    operation: Operation,
  ): Promise<NetworkRecord>
  readCounters(
    endpoints: readonly EndpointRecord[],
    operation: Operation,
  ): Promise<ReadonlyMap<string, Counters>>
  removeContainer(handle: string, operation: Operation): Promise<Removed>
  plug(handle: string, body: PlugBody, operation: Operation): Promise<EndpointRecord>
  unplug(handle: string, endpointKey: string, operation: Operation): Promise<Removed>
  up(handle: string, body: UpBody, operation: Operation): Promise<ContainerRecord>
  down(handle: string, operation: Operation): Promise<Removed>
  /** Garden's NetIn on the primary network. */
  netIn(handle: string, wish: GardenNetIn, operation: Operation): Promise<GardenMappedPort>
  /** Garden's NetOut on the primary network: all rules, or none. */
  netOut(handle: string, rule: GardenNetOutRule, operation: Operation): Promise<void>
  netOutBulk(handle: string, rules: readonly GardenNetOutRule[], operation: Operation): Promise<void>
}

export type InventoryReader = {
  readonly networks: ReadonlyMap<string, NetworkRecord>
  readonly containers: ReadonlyMap<string, ContainerRecord>
  readonly sandboxes: ReadonlyMap<string, SandboxRecord>
  readonly endpoints: ReadonlyMap<string, EndpointRecord>
  endpointsOfNetwork(networkId: string): readonly EndpointRecord[]
  endpointsOfContainer(handle: string): readonly EndpointRecord[]
  /** What the container's resolver is told, and where its files are while it is up. */
  resolutionOf(container: ContainerRecord): { readonly dns?: Dns; readonly files: ResolverPaths }
  /** Why a network or an endpoint is not as it should be at its driver; undefined: all is well, as far as is known. */
  troubleOf?(id: string): string | undefined
  /** Whether nobody seems to care for the container. */
  neglectOf?(container: ContainerRecord): Pick<ContainerView, 'process_gone' | 'unused'>
  /** Whether other hosts know of it; undefined where they need not. */
  isPublished?(endpoint: EndpointRecord): boolean | undefined
}

/** Addresses of one subnet that endpoints hold, and how many there are to hold (capped at 2^53 - 1). */
export type SubnetUsage = { readonly used: number; readonly capacity: number }

export type DriverReader = {
  list(): readonly DriverView[]
  /** Throws `notFound` that names the known ones. */
  get(name: string): DriverView
  /** `ready`, or what stands in the way, for people. */
  stateOf(name: string): string
  /**
   * Lets conetd start a driver and watch over it; returns when it takes calls. Nothing to do if it does so already.
   * Throws `failedPrecondition` for a driver that runs without conetd and cannot be relieved while it works,
   * `driverUnavailable` if it does not come up.
   */
  start(name: string): Promise<void>
  /** Ends a driver that conetd started. Nothing to do for one that is gone; throws for one that others started. */
  stop(name: string): Promise<void>
}

/** `node`: this host. */
export type WholeUse = WholeNetwork & { readonly node: string }

/** The hosts of the cluster; all of it throws `failedPrecondition` on a host that is in none. */
export type NodeReader = {
  list(): Promise<readonly NodeView[]>
  get(name: string): Promise<NodeDetailView>
  /** What the host has stays its own. */
  remove(name: string): Promise<void>
  /** What the host has is free. */
  removeFenced(name: string): Promise<void>
  /** A network as all hosts have it; undefined for one that is no cluster's, and while the store is away. */
  wholeNetwork(network: NetworkRecord): Promise<WholeUse | undefined>
}

export type EventSource = {
  /** That of the last event; without any, the one before the first. */
  lastId(): number
  /** The events after `id`; undefined when some of them are no longer kept. */
  since(id: number): readonly EventView[] | undefined
  /** Calls `listener` for each event from now on, until the returned function is called. */
  subscribe(listener: (event: EventView) => void): () => void
  /** The last ones of a container, oldest first; undefined for a handle of which nothing is known. */
  ofContainer(handle: string): readonly EventView[] | undefined
}

export type ApiContext = {
  readonly version: string
  readonly operations: Operations
  readonly inventory: InventoryReader
  /** In the order of the network's subnets. */
  usageOf(networkId: string): readonly SubnetUsage[]
  /** By which others know this machine; undefined: there is no way out. */
  /** Whether Garden's calls are served. */
  readonly servesLegacyApi: boolean
  readonly externalAddress: { readonly current: string | undefined }
  readonly drivers: DriverReader
  readonly nodes: NodeReader
  readonly events: EventSource
  pools(): PoolsView
  readonly reconciliation: {
    /** Changes nothing. */
    preview(operation: Operation): Promise<ReconciliationView>
    run(operation: Operation): Promise<ReconciliationView>
  }
  /** In the text format of Prometheus. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  status(): Promise<StatusView>
  readonly idempotencyKeys: IdempotencyKeys
  readonly log: Logger
}
