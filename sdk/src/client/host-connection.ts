// A client's way to conetd: checked requests over its UNIX sockets, each with its deadline, until it is closed.
import { randomUUID } from 'node:crypto'
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { EventView } from './api/host.ts'
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
  /** For a handle that only a runtime may choose: its socket has all routes. Default: the socket of the call's family. */
  socket?: 'client' | 'runtime'
}

/** Connections are made on demand, kept, and do not hold the process. */
export class HostConnection {
  readonly #socketPaths: { readonly client: string; readonly runtime: string }
  readonly #timeoutMs: number
  readonly #exchanger: HttpExchanger
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()

  constructor(options: ConetClientOptions) {
    const client = options.socketPath ?? defaultSocketPath
    this.#socketPaths = { client, runtime: options.runtimeSocketPath ?? runtimeSocketPath(client) }
    this.#timeoutMs = options.timeoutMs ?? 60_000
    this.#exchanger = new HttpExchanger(options.connections ?? 8)
  }

  /** See `ConetClient.events`. */
  events(options: EventStreamOptions): AsyncGenerator<EventView, void, undefined> {
    const socketPath = this.#checkedSocketPath('client')
    const facts = { exchanger: this.#exchanger, timeoutMs: this.#timeoutMs, closing: this.#closing.signal }
    return followEvents({ ...facts, socketPath }, options)
  }

  /** See `ConetClient.call`. */
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

  #requestOf({ line, path }: Call, body: unknown, options: CallOptions): HttpRequest {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return {
      socketPath: this.#checkedSocketPath(options.socket ?? line.family),
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
      throw exchangeFailure(cause, {
        what,
        socketPath,
        family: options.socket ?? line.family,
        signal: limit.signal,
        isRead: line.method === 'GET',
      })
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
