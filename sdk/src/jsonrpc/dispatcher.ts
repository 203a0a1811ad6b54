// What happens with a message that has come in: which request is let through to its handler, which is refused, whose
// answer a reply is, and what counts as a violation. It owns no socket and no timer.
import { ConetError } from '../errors/index.ts'
import {
  type Envelope,
  isMessageId,
  type MessageId,
  type Outcome,
  parseEnvelope,
  type ReplyError,
} from './envelope.ts'
import type { JsonObject } from './framing.ts'
import type { PendingCalls } from './pending-calls.ts'
import { ServedRequest, type ServedRequests } from './served-requests.ts'
import { errorToWire, jsonRpcCode, reservedError } from './wire-error.ts'

/**
 * Hears a notification. Must not take long: it runs before anything that came later is looked at. What it throws, or
 * rejects with, goes to the peer's `onError`.
 */
export type NotificationHandler = (method: string, params: JsonObject | undefined) => unknown

/** What the other side did wrong without harm to the connection. */
export type ViolationKind = 'duplicate-id' | 'unnamed-params' | 'bad-cancel' | 'unasked-reply'

export const cancelMethod = '$/cancelRequest'

export type DispatcherOptions = {
  readonly served: ServedRequests
  readonly pending: PendingCalls
  readonly reservedMethods: readonly string[]
  /** Whether new requests are still taken. */
  isOpen(): boolean
  /** Whether the other side leaves too much unread for another answer. */
  isOverloaded(): boolean
  serve(request: ServedRequest): void
  refuse(id: MessageId, error: ReplyError): void
  /** One of our calls has its answer. */
  onSettled(): void
  onError(error: unknown, method: string): void
  onViolation(violation: ConetError, kind: ViolationKind): void
}

type RequestEnvelope = Extract<Envelope, { type: 'request' }>
type NotificationEnvelope = Extract<Envelope, { type: 'notification' }>

export class Dispatcher {
  readonly #options: DispatcherOptions
  onNotification: NotificationHandler | undefined
  #violations = 0
  #lateReplies = 0

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  get violations(): number {
    return this.#violations
  }

  get lateReplies(): number {
    return this.#lateReplies
  }

  /** Says whether it was awaited. Throws `protocolViolation` for what can be neither served nor answered. */
  receive(message: JsonObject): boolean {
    const envelope = parseEnvelope(message)
    if (envelope.type === 'reply') return this.#receiveReply(envelope.id, envelope.outcome)
    if (envelope.type === 'request') this.#receiveRequest(envelope)
    else this.#receiveNotification(envelope)
    return false
  }

  #receiveRequest(envelope: RequestEnvelope): void {
    const { id, method, params } = envelope
    if (this.#options.served.has(id)) {
      // Not answered: the one answer that this id gets is that of the request under way.
      this.#violation(
        'duplicate-id',
        `${method}: its id ${JSON.stringify(id)} is in use by a request under way`,
      )
      return
    }
    const refusal = this.#refusalOf(envelope)
    if (refusal === undefined) this.#accept(new ServedRequest(id, method, params))
    else this.#options.refuse(id, refusal)
  }

  #accept(request: ServedRequest): void {
    this.#options.served.add(request)
    this.#options.serve(request)
  }

  #refusalOf({ method, isNamed }: RequestEnvelope): ReplyError | undefined {
    const { served, isOpen, isOverloaded } = this.#options
    if (!isNamed) {
      const message = `${method}: params must be an object`
      return reservedError(jsonRpcCode.invalidParams, 'invalidArgument', message)
    }
    if (this.#isUnknownReserved(method)) {
      const message = `${method}: no such method`
      return reservedError(jsonRpcCode.methodNotFound, 'unsupported', message)
    }
    if (!isOpen()) {
      return errorToWire(new ConetError('draining', `${method}: this side takes no new requests`))
    }
    if (!served.hasRoomFor(method) || isOverloaded()) return errorToWire(tooMuch(method, served.size))
    return undefined
  }

  #receiveNotification({ method, params, isNamed }: NotificationEnvelope): void {
    if (!isNamed) this.#violation('unnamed-params', `${method}: params must be an object`)
    else if (method === cancelMethod) this.#receiveCancel(params)
    else if (!this.#isUnknownReserved(method)) this.#hear(method, params)
  }

  #receiveCancel(params: JsonObject | undefined): void {
    const id = params?.id
    if (isMessageId(id)) this.#options.served.cancel(id)
    else this.#violation('bad-cancel', `${cancelMethod}: params must have an id`)
  }

  #hear(method: string, params: JsonObject | undefined): void {
    const { onError } = this.#options
    try {
      const heard = this.onNotification?.(method, params)
      if (heard instanceof Promise) heard.catch((error: unknown) => onError(error, method))
    } catch (error) {
      onError(error, method)
    }
  }

  #receiveReply(id: MessageId, outcome: Outcome): boolean {
    const { pending, onSettled } = this.#options
    const expectation = pending.settle(id, outcome)
    if (expectation === 'awaited') onSettled()
    else if (expectation === 'late') this.#lateReplies += 1
    else
      this.#violation('unasked-reply', `a reply has the id ${JSON.stringify(id)}, which no call of ours has`)
    return expectation === 'awaited'
  }

  #isUnknownReserved(method: string): boolean {
    return method.startsWith('$/') && !this.#options.reservedMethods.includes(method)
  }

  #violation(kind: ViolationKind, what: string): void {
    this.#violations += 1
    this.#options.onViolation(new ConetError('protocolViolation', what), kind)
  }
}

function tooMuch(method: string, inFlight: number): ConetError {
  const message = `${method}: too much is under way (${inFlight} requests)`
  return new ConetError('overloaded', message, { details: { inFlight } })
}
