// HTTP requests over UNIX sockets, on connections that are kept. Knows no routes and no error catalogue.
// node:http and not undici: docs/decisions/0004-client-on-node-http.md.
import { Agent, type ClientRequest, type IncomingMessage, request as sendRequest } from 'node:http'

export type HttpRequest = {
  readonly socketPath: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export type HttpAnswer = { readonly status: number; readonly text: string }

/** A network of ten thousand endpoints takes about a quarter of it. */
const maxAnswerBytes = 64 * 1024 * 1024

/** The request failed; `wasSent` tells whether the other side may have seen it. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError'
  /** The system's or the HTTP parser's code: `ENOENT`, `ECONNRESET`, `HPE_INVALID_CONSTANT`. */
  readonly code: string
  readonly wasSent: boolean
  /** The request went to a kept connection that turned out to be closed. */
  readonly foundConnectionClosed: boolean

  constructor(cause: Error, facts: { wasSent: boolean; onReusedConnection: boolean }) {
    super(cause.message, { cause })
    this.code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
    this.wasSent = facts.wasSent
    this.foundConnectionClosed =
      facts.onReusedConnection && (this.code === 'ECONNRESET' || this.code === 'EPIPE')
  }
}

/** Owns the connections; `destroy()` ends them all. */
export class HttpExchanger {
  readonly #agent: Agent

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })
  }

  /** The whole answer. Throws ExchangeError. */
  async exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await exchangeOnce(request, signal, this.#agent)
    } catch (error) {
      if (signal.aborted || !(error instanceof ExchangeError) || !error.foundConnectionClosed) throw error
      return await this.#again(request, signal, error)
    }
  }

  /**
   * The server closed a connection at rest in the moment we used it, or died with our request. On a fresh connection,
   * and once only: every call may be repeated, by its nature or by its Idempotency-Key.
   */
  async #again(request: HttpRequest, signal: AbortSignal, first: ExchangeError): Promise<HttpAnswer> {
    try {
      return await exchangeOnce(request, signal, false)
    } catch (error) {
      // There is no way to the server any more, but the first request may have been served.
      if (error instanceof ExchangeError && !error.wasSent) throw first
      throw error
    }
  }

  /** The answer's head; the body is to be read as it comes. Takes a connection of its own. */
  stream(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return begin(request, { agent: false, signal }).answered
  }

  destroy(): void {
    this.#agent.destroy()
  }
}

/**
 * Sends the request and reads the answer. A listener on the signal, and events: Node's own `signal` and `for await` make
 * a short call cost its client an eighth more.
 */
function exchangeOnce(request: HttpRequest, signal: AbortSignal, agent: Agent | false): Promise<HttpAnswer> {
  signal.throwIfAborted()
  const sent = begin(request, { agent })
  const giveUp = () => sent.outgoing.destroy(asError(signal.reason))
  signal.addEventListener('abort', giveUp)
  return sent.answered.then(wholeAnswer).finally(() => signal.removeEventListener('abort', giveUp))
}

type Sent = { readonly outgoing: ClientRequest; readonly answered: Promise<IncomingMessage> }

function begin(
  { body, headers, ...head }: HttpRequest,
  options: { readonly agent: Agent | false; readonly signal?: AbortSignal },
): Sent {
  const outgoing = sendRequest({ ...head, ...options, headers: { ...headers } })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    let wasSent = false
    outgoing.on('response', resolve)
    outgoing.on('socket', (socket) => {
      wasSent = !socket.connecting
      // Only then: on a kept connection the listener would stay, one more with each request.
      if (socket.connecting) {
        socket.once('connect', () => {
          wasSent = true
        })
      }
    })
    outgoing.on('error', (cause) => {
      reject(new ExchangeError(cause, { wasSent, onReusedConnection: outgoing.reusedSocket }))
    })
  })
  outgoing.end(body)
  return { outgoing, answered }
}

export function wholeAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length <= maxAnswerBytes) return
      response.destroy(new Error(`the answer is larger than ${maxAnswerBytes} bytes`))
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    // Not repeated on a fresh connection: the server was there and did the work.
    response.on('error', (cause) => {
      reject(new ExchangeError(cause, { wasSent: true, onReusedConnection: false }))
    })
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
