// The only file that knows vscode-jsonrpc. The library numbers our calls, matches replies to them, and starts the
// requests of the other side in order. What it lacks is around it: bounds, deadlines, checks of what comes in, and
// cancellation. It never sees a socket, and never a message that has not been checked.
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageConnection,
  NullLogger,
  ParameterStructures,
  ResponseError,
} from 'vscode-jsonrpc/node'
import type { MessageId, Outcome } from './envelope.ts'
import type { JsonObject } from './framing.ts'

/** A request of the other side on its way through the library to its handler. */
export type Incoming = { readonly id: MessageId; readonly method: string }

export type ConnectionOptions<Request extends Incoming> = {
  /** Sends a request, or throws. */
  send(request: object): void
  /** Sends a reply, in whatever form is possible; does not throw. */
  sendReply(id: MessageId, reply: object): void
  isIncoming(value: unknown): value is Request
  /** Answers a request; never rejects. */
  serve(request: Request): Promise<Outcome>
}

export class Connection<Request extends Incoming> {
  readonly #inbox = new Inbox()
  readonly #outbox: Outbox
  readonly #rpc: MessageConnection

  constructor({ send, sendReply, isIncoming, serve }: ConnectionOptions<Request>) {
    this.#outbox = new Outbox(send, sendReply)
    // With any limit on parallelism the library settles replies as they come instead of queueing them behind
    // requests. The limit itself is ours (`maxInFlight`), so this one is out of reach.
    this.#rpc = createMessageConnection(this.#inbox, this.#outbox, NullLogger, {
      maxParallelism: Number.MAX_SAFE_INTEGER,
    })
    this.#rpc.onRequest(async (_method: string, incoming: unknown) => {
      if (!isIncoming(incoming)) throw new Error('a request that was not delivered by deliverRequest')
      const outcome = await serve(incoming)
      if ('result' in outcome) return outcome.result
      const { code, message, data } = outcome.error
      return new ResponseError(code, message, data)
    })
    this.#rpc.listen()
  }

  /** Sends a request. Throws what `send` throws; `answer` never rejects. */
  call(method: string, params: JsonObject | undefined): { id: MessageId; answer: Promise<Outcome> } {
    const answer =
      params === undefined
        ? this.#rpc.sendRequest<unknown>(method)
        : this.#rpc.sendRequest<unknown>(method, ParameterStructures.byName, params)
    const { id, failure } = this.#outbox.last
    if (failure === undefined) return { id, answer: answer.then(toResult, toFailure) }
    // The library reports a failed write as text only; the error itself is thrown here.
    answer.catch(() => undefined)
    throw failure.error
  }

  /** Hands over a request; its handler starts soon, after those that were delivered before it. */
  deliverRequest(request: Request): void {
    // The library passes params on as they are, so the whole request travels in their place.
    this.#inbox.deliver(requestMessage(request))
  }

  /** Settles the call with that id, at once. */
  deliverReply(id: MessageId, outcome: Outcome): void {
    this.#inbox.deliver(replyMessage(id, outcome))
  }

  /** Rejects what waits for an answer, and forgets everything. */
  dispose(): void {
    this.#rpc.dispose()
  }
}

function toResult(result: unknown): Outcome {
  return { result }
}

function toFailure(error: unknown): Outcome {
  if (!(error instanceof ResponseError)) throw error
  return { error: { code: error.code, message: error.message, data: error.data } }
}

function requestMessage(request: Incoming) {
  return { jsonrpc: '2.0', id: request.id, method: request.method, params: request }
}

function replyMessage(id: MessageId, outcome: Outcome) {
  return { jsonrpc: '2.0', id, ...outcome }
}

class Inbox extends AbstractMessageReader {
  #callback: DataCallback = () => undefined

  listen(callback: DataCallback): Disposable {
    this.#callback = callback
    return { dispose: () => undefined }
  }

  deliver(message: Message): void {
    this.#callback(message)
  }
}

class Outbox extends AbstractMessageWriter {
  readonly #send: (request: object) => void
  readonly #sendReply: (id: MessageId, reply: object) => void
  /** The request written last. sendRequest writes before it returns, so its caller finds its own id here. */
  last: { id: MessageId; failure?: { error: unknown } } = { id: 0 }

  constructor(send: (request: object) => void, sendReply: (id: MessageId, reply: object) => void) {
    super()
    this.#send = send
    this.#sendReply = sendReply
  }

  async write(message: Message & { id?: MessageId | null; method?: string }): Promise<void> {
    const id = message.id ?? 0
    if (message.method === undefined) {
      this.#sendReply(id, message)
      return
    }
    this.last = { id }
    try {
      this.#send(message)
    } catch (error) {
      this.last = { id, failure: { error } }
      throw error
    }
  }

  end(): void {}
}
