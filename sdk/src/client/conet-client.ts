// The typed client of the host's HTTP API: one method a route, and the events. What a call is, the route table says.
import type { ContainerConfigBody, PlugBody, UpBody } from './api/container-request.ts'
import type { EventView } from './api/host.ts'
import type { CreateNetworkBody } from './api/network.ts'
import type { ContainerPolicyBody, DefaultPolicyBody } from './api/policy.ts'
import type { RouteName } from './api/request-lines.ts'
import type { CallInput, CallReply } from './call.ts'
import type { EventStreamOptions } from './event-stream.ts'
import { type CallOptions, type ConetClientOptions, HostConnection } from './host-connection.ts'

/**
 * Calls conetd over its UNIX sockets. Connections are made on demand, kept, and do not hold the process. Every method
 * throws ConetError: the host's own with its fields, details and help; `hostUnavailable` or `permissionDenied` when
 * there is no way to it; `deadlineExceeded`; `cancelled`. Every call may be repeated. Close it when done.
 */
export class ConetClient implements AsyncDisposable {
  readonly #connection: HostConnection

  constructor(options: ConetClientOptions = {}) {
    this.#connection = new HostConnection(options)
  }

  createNetwork(body: CreateNetworkBody, options?: CallOptions) {
    return this.call('createNetwork', { body }, options)
  }

  listNetworks(options?: CallOptions) {
    return this.call('listNetworks', {}, options)
  }

  /** By id, unambiguous prefix of it, or name. */
  getNetwork(network: string, options?: CallOptions) {
    return this.call('getNetwork', { params: { network } }, options)
  }

  deleteNetwork(network: string, options?: CallOptions) {
    return this.call('deleteNetwork', { params: { network } }, options)
  }

  /** Off the record, while its driver is not connected: what that has made stays until it is back. */
  forgetNetwork(network: string, options?: CallOptions) {
    return this.call('forgetNetwork', { params: { network } }, options)
  }

  putContainerConfig(handle: string, body: ContainerConfigBody, options?: CallOptions) {
    return this.call('putContainerConfig', { params: { handle }, body }, options)
  }

  getContainerConfig(handle: string, options?: CallOptions) {
    return this.call('getContainerConfig', { params: { handle } }, options)
  }

  listContainers(options?: CallOptions) {
    return this.call('listContainers', {}, options)
  }

  getContainer(handle: string, options?: CallOptions) {
    return this.call('getContainer', { params: { handle } }, options)
  }

  deleteContainer(handle: string, options?: CallOptions) {
    return this.call('deleteContainer', { params: { handle } }, options)
  }

  /** Also of a container that is gone, for a while. */
  getContainerEvents(handle: string, options?: CallOptions) {
    return this.call('getContainerEvents', { params: { handle } }, options)
  }

  /** By the names of attachments; all or none. May be repeated. */
  putContainerPolicy(handle: string, body: ContainerPolicyBody, options?: CallOptions) {
    return this.call('putContainerPolicy', { params: { handle }, body }, options)
  }

  getContainerPolicy(handle: string, options?: CallOptions) {
    return this.call('getContainerPolicy', { params: { handle } }, options)
  }

  /** `null`: none. May be repeated. */
  putDefaultPolicy(network: string, body: DefaultPolicyBody, options?: CallOptions) {
    return this.call('putDefaultPolicy', { params: { network }, body }, options)
  }

  /** As it was put; `null`: none. */
  getDefaultPolicy(network: string, options?: CallOptions) {
    return this.call('getDefaultPolicy', { params: { network } }, options)
  }

  getContainerMetrics(handle: string, options?: CallOptions) {
    return this.call('getContainerMetrics', { params: { handle } }, options)
  }

  /** Of all containers in one call. */
  listContainerMetrics(options?: CallOptions) {
    return this.call('listContainerMetrics', {}, options)
  }

  plug(handle: string, body: PlugBody, options?: CallOptions) {
    return this.call('plug', { params: { handle }, body }, options)
  }

  unplug({ handle, endpoint }: { handle: string; endpoint: string }, options?: CallOptions) {
    return this.call('unplug', { params: { handle, endpoint } }, options)
  }

  /** On the runtime's socket. */
  up(handle: string, body: UpBody = {}, options?: CallOptions) {
    return this.call('up', { params: { handle }, body }, options)
  }

  /** On the runtime's socket. */
  down(handle: string, options?: CallOptions) {
    return this.call('down', { params: { handle } }, options)
  }

  listDrivers(options?: CallOptions) {
    return this.call('listDrivers', {}, options)
  }

  getDriver(driver: string, options?: CallOptions) {
    return this.call('getDriver', { params: { driver } }, options)
  }

  /** Returns when it takes calls. May be repeated. */
  startDriver(driver: string, options?: CallOptions) {
    return this.call('startDriver', { params: { driver } }, options)
  }

  /** May be repeated. */
  stopDriver(driver: string, options?: CallOptions) {
    return this.call('stopDriver', { params: { driver } }, options)
  }

  listNodes(options?: CallOptions) {
    return this.call('listNodes', {}, options)
  }

  getNode(node: string, options?: CallOptions) {
    return this.call('getNode', { params: { node } }, options)
  }

  /** What the host has stays its own. May be repeated. */
  removeNode(node: string, options?: CallOptions) {
    return this.call('removeNode', { params: { node } }, options)
  }

  /** Your word that the host cannot come back by itself: what it has is free. May be repeated until it is `notFound`. */
  fenceNode(node: string, options?: CallOptions) {
    return this.call('fenceNode', { params: { node } }, options)
  }

  listPools(options?: CallOptions) {
    return this.call('listPools', {}, options)
  }

  /** Changes nothing. */
  previewReconciliation(options?: CallOptions) {
    return this.call('previewReconciliation', {}, options)
  }

  /** May be repeated. */
  reconcile(options?: CallOptions) {
    return this.call('reconcile', {}, options)
  }

  status(options?: CallOptions) {
    return this.call('status', {}, options)
  }

  health(options?: CallOptions) {
    return this.call('health', {}, options)
  }

  /**
   * What happens, as it happens, in order. Goes on over a restart of conetd, from the last event seen. Throws what the
   * first connection fails with. Ends when `signal` aborts, the loop is left, or the client closes.
   */
  events(options: EventStreamOptions = {}): AsyncGenerator<EventView, void, undefined> {
    return this.#connection.events(options)
  }

  /** Any route of the table by its name; the methods above are this with the arguments in order. */
  call<R extends RouteName>(route: R, input: CallInput<R>, options?: CallOptions): Promise<CallReply<R>> {
    return this.#connection.call(route, input, options)
  }

  /** Takes no new calls, lets the running ones finish, ends event streams and connections. May be repeated. */
  close(): Promise<void> {
    return this.#connection.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
