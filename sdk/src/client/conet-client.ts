// The typed client of the host's HTTP API: one method a route, and the events. What a call is, the route table says.
import { randomUUID } from 'node:crypto'
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { ContainerConfigBody, PlugBody, UpBody } from './api/container-request.ts'
import type { EventView } from './api/host.ts'
import type { CreateNetworkBody } from './api/network.ts'
import type { ContainerPolicyBody, DefaultPolicyBody } from './api/policy.ts'
import type { RouteName } from './api/request-lines.ts'
import { type Call, type CallInput, type CallReply, callOf } from './call.ts'
import { type EventStreamOptions, followEvents } from './event-stream.ts'
import { exchangeFailure } from './exchange-failure.ts'
import { type HttpAnswer, HttpExchanger, type HttpRequest } from './http-exchange.ts'
import { jsonOf } from './problem.ts'
import { assertSocketPath, defaultSocketPath, runtimeSocketPath } from './socket-paths.ts'

/** Where the host is, and how patient the client. */
export type ConetClientOptions = {
  /** The clients' socket. Default: /run/conet/conetd.sock */
  socketPath?: string
  /** The container runtime's socket. Default: derived, `X.sock` → `X.runtime.sock` */
  runtimeSocketPath?: string
  /** How many calls to one socket run at once; the others wait for their turn. Default: 8 */
  connections?: number
  /** The time a call may take, unless it says otherwise. Default: 60,000 */
  timeoutMs?: number
}

/** How one call is made. */
export type CallOptions = {
  /** Milliseconds until the call fails with `deadlineExceeded`. */
  timeoutMs?: number
  /** Gives the call up; it fails with `cancelled`. */
  signal?: AbortSignal
  /** For calls that make something: the same key again gets the first answer. Default: a new key a call. */
  idempotencyKey?: string
}

/**
 * Calls conetd over its UNIX sockets. Connections are made on demand, kept, and do not hold the process. Every method
 * throws ConetError: the host's own with its fields, details and help; `hostUnavailable` or `permissionDenied` when
 * there is no way to it; `deadlineExceeded`; `cancelled`. Every call may be repeated. Close it when done.
 */
export class ConetClient implements AsyncDisposable {
  readonly #socketPaths: { readonly client: string; readonly runtime: string }
  readonly #timeoutMs: number
  readonly #exchanger: HttpExchanger
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()

  constructor(options: ConetClientOptions = {}) {
    const client = options.socketPath ?? defaultSocketPath
    this.#socketPaths = { client, runtime: options.runtimeSocketPath ?? runtimeSocketPath(client) }
    this.#timeoutMs = options.timeoutMs ?? 60_000
    this.#exchanger = new HttpExchanger(options.connections ?? 8)
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
    const socketPath = this.#checkedSocketPath('client')
    const facts = { exchanger: this.#exchanger, timeoutMs: this.#timeoutMs, closing: this.#closing.signal }
    return followEvents({ ...facts, socketPath }, options)
  }

  /** Any route of the table by its name; the methods above are this with the arguments in order. */
  async call<R extends RouteName>(
    route: R,
    input: CallInput<R>,
    options: CallOptions = {},
  ): Promise<CallReply<R>> {
    const call = callOf(route, input.params)
    const request = this.#requestOf(call, input.body, options)
    const answer = await this.#tracked(this.#exchange(call, request, options))
    // The host checks its answers against the schemas that these types come from.
    return jsonOf(answer, call.what) as CallReply<R>
  }

  /** Takes no new calls, lets the running ones finish, ends event streams and connections. May be repeated. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#running)
    this.#exchanger.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #requestOf({ line, path }: Call, body: unknown, options: CallOptions): HttpRequest {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return {
      socketPath: this.#checkedSocketPath(line.family),
      method: line.method,
      path,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(line.makesSomething ? { 'idempotency-key': checkedKey(options.idempotencyKey) } : {}),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(text)}` }),
      },
      ...(text === undefined ? {} : { body: text }),
    }
  }

  async #exchange({ what, line }: Call, request: HttpRequest, options: CallOptions): Promise<HttpAnswer> {
    using limit = deadline(options.timeoutMs ?? this.#timeoutMs, what, options.signal)
    try {
      return await this.#exchanger.exchange(request, limit.signal)
    } catch (cause) {
      const { socketPath } = request
      throw exchangeFailure(cause, { what, socketPath, family: line.family, signal: limit.signal })
    }
  }

  async #tracked<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  #checkedSocketPath(family: 'client' | 'runtime'): string {
    const path = this.#socketPaths[family]
    if (this.#closing.signal.aborted)
      throw new ConetError('cancelled', `call conetd at ${path}: the client is closed`)
    assertSocketPath(path, family === 'client' ? 'socketPath' : 'runtimeSocketPath')
    return path
  }
}

function checkedKey(key: string = randomUUID()): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key
  const message = 'must be 1 to 255 printable characters without spaces'
  const fields = [{ path: 'idempotencyKey', message }]
  throw new ConetError('invalidArgument', `call conetd: the idempotency key ${message}`, { fields })
}
