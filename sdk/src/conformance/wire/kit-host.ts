// The kit in the host's place on one connection: requests with all that accompanies them, answers read strictly.

import { ConetError, catalogue, type ErrorKind } from '../../errors/index.ts'
import {
  checkResult,
  type InitializeParams,
  type InitializeResult,
  type Params,
  type RequestMethod,
  type Result,
} from '../../protocol/index.ts'
import { Violation } from '../checks/verdicts.ts'
import type { Patience } from './patience.ts'
import type { RawConnection } from './raw-connection.ts'
import { isJson, type Json } from './strict-parser.ts'

/** What a check may want to be otherwise on one request. */
export type RequestOptions = {
  readonly id?: string | number
  /** Added to, or in place of, what the kit says in `_meta`; false: no `_meta` at all. */
  readonly meta?: Json | false
  /** How long to wait; default the call's own time and some tolerance. */
  readonly waitMs?: number
}

/** The one answer to a request. */
export type Reply = { readonly result: unknown } | { readonly error: ReplyError }
export type ReplyError = {
  readonly code: number
  readonly message: string
  readonly data: Json
  /** Of an internal error, which says nothing itself: what the driver has logged last. */
  readonly logged?: string
}

export class KitHost implements Disposable {
  readonly connection: RawConnection
  readonly #patience: Patience
  readonly #newId: () => string
  #lastId = 0

  constructor(connection: RawConnection, patience: Patience, newId: () => string) {
    this.connection = connection
    this.#patience = patience
    this.#newId = newId
  }

  /** `initialize` and the verdict. Resolves to how the driver introduces itself. */
  async handshake(
    params: Partial<InitializeParams> = {},
    role: 'active' | 'standby' = 'active',
  ): Promise<InitializeResult> {
    const introduction = await this.call('initialize', { ...this.#initializeParams(), ...params })
    this.notify('initialized', { role })
    return introduction
  }

  /** Params of an `initialize` with nothing special. */
  #initializeParams(): InitializeParams {
    return initializeParams(this.#newId(), this.#patience.callMs('initialize'))
  }

  /** Sends a request, and gives its id and its answer to come. Params may be wrong on purpose. */
  start(
    method: string,
    params: object,
    options: RequestOptions = {},
  ): { id: string | number; reply: Promise<Reply> } {
    this.#lastId += 1
    const { id = this.#lastId, meta } = options
    const full = this.#meta(method, meta)
    const withMeta = method === 'initialize' || full === undefined ? params : { ...params, _meta: full }
    this.connection.send({ jsonrpc: '2.0', id, method, params: withMeta })
    const callMs = this.#patience.callMs(method)
    const timeoutMs = typeof full?.timeoutMs === 'number' ? full.timeoutMs : callMs
    const reply = this.#reply(method, id, options.waitMs ?? timeoutMs + this.#patience.toleranceMs)
    if (timeoutMs >= callMs) this.#noteMissed(method, reply)
    // Whoever starts a call may leave it alone; the transcript is judged later.
    reply.catch(() => undefined)
    return { id, reply }
  }

  /** Sends a request and waits for its answer, whatever it is. */
  request(method: string, params: object, options?: RequestOptions): Promise<Reply> {
    return this.start(method, params, options).reply
  }

  /** A call that must succeed with a valid result; anything else is a violation. */
  async call<M extends RequestMethod>(
    method: M,
    params: Params<M>,
    options?: RequestOptions,
  ): Promise<Result<M>> {
    return succeeded(method, await this.request(method, params, options))
  }

  /** A call that must fail with one of these kinds. */
  async refused(
    method: string,
    params: object,
    kinds: readonly ErrorKind[],
    options?: RequestOptions,
  ): Promise<ReplyError> {
    return failedWith(method, await this.request(method, params, options), kinds)
  }

  notify(method: string, params: object): void {
    this.connection.send({ jsonrpc: '2.0', method, params })
  }

  cancel(id: string | number): void {
    this.notify('$/cancelRequest', { id })
  }

  /** What the driver pushes: the first notification of that name that `isWanted`. */
  async notification(
    method: string,
    timeoutMs: number,
    isWanted: (params: Json) => boolean = () => true,
  ): Promise<Json> {
    const message = await this.connection.message(`notification ${method}`, timeoutMs, (candidate) => {
      const { params } = candidate
      return candidate.method === method && isWanted(isJson(params) ? params : {})
    })
    return isJson(message.params) ? message.params : {}
  }

  close(): void {
    this.connection.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #meta(method: string, wanted: RequestOptions['meta']): Json | undefined {
    if (wanted === false) return undefined
    const timeoutMs = this.#patience.callMs(method)
    // With a token, so that a driver that has progress to tell tells it, and is judged by it.
    return { operationId: this.#newId(), attempt: 1, timeoutMs, progressToken: this.#newId(), ...wanted }
  }

  /** A check that gave the call less time than usual expects to miss it. */
  #noteMissed(method: string, reply: Promise<Reply>): void {
    reply.then(
      (answer) => {
        if ('error' in answer && answer.error.code === catalogue.deadlineExceeded.code)
          this.#patience.missed(method)
      },
      () => {
        if (this.connection.isOpen) this.#patience.missed(method)
      },
    )
  }

  async #reply(method: string, id: string | number, waitMs: number): Promise<Reply> {
    const isReply = (message: Json) => message.id === id && message.method === undefined
    const reply = parseReply(method, await this.connection.message(`answer to ${method}`, waitMs, isReply))
    if ('result' in reply || !internalCodes.includes(reply.error.code)) return reply
    const logged = this.#lastLogged()
    return logged === undefined ? reply : { error: { ...reply.error, logged } }
  }

  #lastLogged(): string | undefined {
    const received = this.connection.transcript.messages('received')
    const params = received.findLast(({ message }) => message.method === 'driver/log')?.message.params
    return isJson(params) && typeof params.message === 'string' ? params.message : undefined
  }
}

export function initializeParams(instanceId: string, callMs: number): InitializeParams {
  return {
    protocolVersions: ['1.0'],
    host: { name: 'conet-conformance', version: '1.0.0', instanceId },
    nodeId: 'conformance-kit',
    // For drivers that tunnel: an address that every machine has.
    underlayAddress: '127.0.0.1',
    limits: { maxMessageBytes: 4 * 1024 * 1024, maxInFlight: 256 },
    timeouts: {
      callMs: Math.max(1, Math.round(callMs)),
      mostCallMs: Math.max(1, Math.round(callMs * 10)),
      pingIntervalMs: 10_000,
      pingTimeoutMs: 3_000,
      drainMs: 30_000,
    },
  }
}

const internalCodes: readonly number[] = [catalogue.internal.code, -32_603]
const ownBug = 'This is a bug of the driver’s own, whatever the check is about'

/** The result, or a violation that says what came instead. */
export function succeeded<M extends RequestMethod>(method: M, reply: Reply): Result<M> {
  if ('error' in reply) {
    const { logged = 'read what it has logged', ...found } = reply.error
    throw new Violation(`${method} failed: ${found.message} (${found.code})`, {
      expected: 'a result',
      found,
      // Not in the message: failures in the same words are told once, and logs name ids.
      ...(internalCodes.includes(found.code) && { mend: `${ownBug}: ${logged}.` }),
    })
  }
  try {
    return checkResult(method, reply.result)
  } catch (error) {
    if (!ConetError.is(error)) throw error
    throw new Violation(error.message, {
      expected: `a result as the schema of ${method} has it`,
      found: reply.result,
    })
  }
}

/** The error, or a violation if it is another one. */
export function failedWith(method: string, reply: Reply, kinds: readonly ErrorKind[]): ReplyError {
  const expected = kinds.map((kind) => `${kind} (${catalogue[kind].code})`).join(' or ')
  if ('result' in reply) throw new Violation(`${method} succeeded`, { expected, found: reply.result })
  const { error } = reply
  if (kinds.some((kind) => catalogue[kind].code === error.code)) return error
  throw new Violation(`${method} failed with another error: ${error.message} (${error.code})`, {
    expected,
    found: error,
  })
}

function parseReply(method: string, { result, error }: Json): Reply {
  if (error === undefined && result !== undefined) return { result }
  if (isJson(error) && result === undefined && typeof error.code === 'number') {
    const data = isJson(error.data) ? error.data : {}
    return { error: { code: error.code, message: String(error.message), data } }
  }
  throw new Violation(`answer to ${method}: not exactly one of "result" and "error"`, {
    found: { result, error },
  })
}
