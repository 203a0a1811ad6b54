// The host's events as an endless iteration over server-sent events that survives a restart of the host.
// Knows no routes but its own.
import { addAbortListener } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventSourceMessage } from 'eventsource-parser'
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { EventView } from './api/host.ts'
import { exchangeFailure } from './exchange-failure.ts'
import { type HttpExchanger, wholeAnswer } from './http-exchange.ts'
import { problemError } from './problem.ts'

/** From where on events are wanted, and who hears of gaps. */
export type EventStreamOptions = {
  /** The events after this one, as far as the host still has them; 0: all it has. Without: those to come. */
  since?: number
  /** Ends the iteration, without an error. */
  signal?: AbortSignal
  /** Events were lost: the host no longer has them, or is a new one. What was built from events is to be read anew. */
  onResync?: () => void
  /** The connection ended; the iteration goes on as soon as there is a host again. */
  onDisconnect?: () => void
}

export type EventSourceFacts = {
  readonly exchanger: HttpExchanger
  readonly socketPath: string
  /** For the answer's head; the events themselves may take for ever. */
  readonly timeoutMs: number
  /** Aborts when the client closes. */
  readonly closing: AbortSignal
}

const what = 'follow events'
const firstPauseMs = 100
const longestPauseMs = 2_000
const maxEventBytes = 1024 * 1024
/** Characters; comments may come first. */
const longestOpening = 1024

/** Throws what the first connection fails with; a later loss is mended by connecting again. */
export async function* followEvents(
  source: EventSourceFacts,
  options: EventStreamOptions,
): AsyncGenerator<EventView, void, undefined> {
  const life = new AbortController()
  using _closing = addAbortListener(source.closing, () => life.abort())
  using _caller = options.signal && addAbortListener(options.signal, () => life.abort())
  let last = options.since
  try {
    let response: IncomingMessage | undefined = await openStream(source, last, life.signal)
    while (response !== undefined) {
      const onOpeningId = (id: number) => {
        last = id
      }
      for await (const event of eventsOf(response, { ...options, onOpeningId })) {
        last = event.id
        yield event
      }
      if (!life.signal.aborted) options.onDisconnect?.()
      response = await reopenStream(source, last, life.signal)
    }
  } catch (error) {
    if (!life.signal.aborted) throw error
  } finally {
    life.abort()
  }
}

/** Tries until the host is back. */
async function reopenStream(
  source: EventSourceFacts,
  last: number | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    await sleep(pauseMs, undefined, { signal })
    try {
      return await openStream(source, last, signal)
    } catch (error) {
      if (!ConetError.is(error, 'hostUnavailable')) throw error
    }
  }
}

async function openStream(
  source: EventSourceFacts,
  last: number | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { socketPath, timeoutMs } = source
  using limit = deadline(timeoutMs, what, signal)
  const opening = new AbortController()
  using _late = addAbortListener(limit.signal, () => opening.abort(limit.signal.reason))
  // The stream outlives the deadline of its head, so it is tied to the caller's signal by a listener of its own.
  const untie = addAbortListener(signal, () => opening.abort(signal.reason))
  try {
    const headers = {
      accept: 'text/event-stream',
      ...(last === undefined ? {} : { 'last-event-id': `${last}` }),
    }
    const request = { socketPath, method: 'GET', path: '/events', headers }
    const response = await source.exchanger.stream(request, opening.signal)
    response.once('close', () => untie[Symbol.dispose]())
    if (response.statusCode === 200) return response
    throw problemError(await wholeAnswer(response), what)
  } catch (cause) {
    untie[Symbol.dispose]()
    throw exchangeFailure(cause, { what, socketPath, family: 'client', signal: opening.signal, isRead: true })
  }
}

/** Ends where the connection does: a loss and a polite end are mended in the same way. */
async function* eventsOf(
  response: IncomingMessage,
  { onResync, onOpeningId }: Pick<EventStreamOptions, 'onResync'> & { onOpeningId(id: number): void },
): AsyncGenerator<EventView, void, undefined> {
  const { createParser } = await import('eventsource-parser')
  const waiting: EventSourceMessage[] = []
  const parser = createParser({
    onEvent: (message) => waiting.push(message),
    maxBufferSize: maxEventBytes,
  })
  const opening = new StreamOpening()
  response.setEncoding('utf8')
  try {
    for await (const chunk of response) {
      const openingId = opening.idIn(chunk)
      if (openingId !== undefined) onOpeningId(openingId)
      parser.feed(chunk)
      for (const { event, data } of waiting.splice(0)) {
        if (event === 'resync') onResync?.()
        else yield parsedEvent(data)
      }
    }
  } catch (error) {
    if (!isConnectionLoss(error)) throw error
  }
}

/** The host opens a stream with the id to go on from, in a block without data: the parser tells only of those that have some. */
class StreamOpening {
  #text: string | undefined = ''

  /** Once, when it has come whole. */
  idIn(chunk: string): number | undefined {
    if (this.#text === undefined) return undefined
    this.#text += chunk
    const [, id] = /^(?:(?::[^\n]*)?\n)*id: ([0-9]{1,16})\n\n/.exec(this.#text) ?? []
    if (id !== undefined || this.#text.length > longestOpening) this.#text = undefined
    return id === undefined ? undefined : Number(id)
  }
}

function isConnectionLoss(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}

function parsedEvent(data: string): EventView {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new ConetError('internal', `${what}: an event is not JSON`, { cause })
  }
}
