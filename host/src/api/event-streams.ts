// Server-sent events (HTML Living Standard, section 9.2). Each event is written out once for all streams that keep up. One that
// does not is waited for by nobody: it gets the rest out of the log when it reads again, or hears that it must start anew.
import type { ServerResponse } from 'node:http'
import { ConetError } from '@conet/sdk'
import type { EventView } from '@conet/sdk/api'
import type { EventSource } from './api-context.ts'

export type EventStreamsOptions = {
  readonly events: EventSource
  readonly heartbeatMs?: number
  readonly mostStreams?: number
  /** A stream with more than this unsent is behind: nothing more is written to it until it has read. */
  readonly mostBufferedBytes?: number
}

// Without an id, so that a client's last id stays that of the last event it saw.
const resync = 'event: resync\ndata: {}\n\n'
const heartbeat = ': alive\n\n'

export class EventStreams {
  readonly #options: Required<EventStreamsOptions>
  readonly #streams = new Set<EventStream>()
  #unsubscribe: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: EventStreamsOptions) {
    this.#options = { heartbeatMs: 15_000, mostStreams: 256, mostBufferedBytes: 256 * 1024, ...options }
  }

  /** Throws `overloaded` when there are too many streams already. */
  assertRoom(): void {
    if (this.#streams.size < this.#options.mostStreams) return
    throw new ConetError('overloaded', `follow events: ${this.#streams.size} clients do so already`)
  }

  /** Sends what happened after event `since`, then what happens, until the client goes. */
  open(response: ServerResponse, since: number | undefined): void {
    const stream = new EventStream(response, this.#options)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.once('close', () => this.#remove(stream))
    // A comment first, so that the headers go out at once.
    stream.comment(heartbeat)
    if (since === undefined) stream.beginAfter(this.#options.events.lastId())
    else stream.goOnAfter(since)
    this.#add(stream)
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of [...this.#streams]) {
      this.#remove(stream)
      stream.end()
    }
  }

  #add(stream: EventStream): void {
    this.#streams.add(stream)
    this.#unsubscribe ??= this.#options.events.subscribe((event) => this.#tellAll(event))
    this.#timer ??= setInterval(() => this.#beat(), this.#options.heartbeatMs)
  }

  #remove(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tellAll(event: EventView): void {
    const text = format(event)
    for (const stream of this.#streams) stream.tell(event.id, text)
  }

  #beat(): void {
    for (const stream of this.#streams) stream.comment(heartbeat)
  }
}

type StreamOptions = Pick<Required<EventStreamsOptions>, 'events' | 'mostBufferedBytes'>

class EventStream {
  readonly #response: ServerResponse
  readonly #options: StreamOptions
  /** Of the last event that was written; undefined: none yet. */
  #lastId: number | undefined
  #isBehind = false

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response
    this.#options = options
    response.on('drain', () => this.#catchUp())
  }

  /** An id without data: a client that has seen no event yet can go on from it, and no other notices. */
  beginAfter(id: number): void {
    this.#lastId = id
    this.#write(`id: ${id}\n\n`)
  }

  /** Writes what the log has after that event, as much of it as the client takes now. */
  goOnAfter(id: number): void {
    this.#lastId = id
    const missed = this.#options.events.since(id)
    if (missed === undefined) {
      this.#beginAnew()
      return
    }
    for (const event of missed) {
      if (this.#isBehind) return
      this.tell(event.id, format(event))
    }
  }

  /** One after the other: what a client that is behind does not get now it gets out of the log. */
  tell(id: number, text: string): void {
    if (this.#isBehind) return
    this.#lastId = id
    this.#write(text)
  }

  comment(text: string): void {
    if (!this.#isBehind) this.#write(text)
  }

  end(): void {
    this.#response.end()
  }

  #beginAnew(): void {
    this.#lastId = this.#options.events.lastId()
    this.#write(resync)
  }

  #write(text: string): void {
    this.#response.write(text)
    this.#isBehind = this.#response.writableLength > this.#options.mostBufferedBytes
  }

  #catchUp(): void {
    if (!this.#isBehind) return
    this.#isBehind = false
    if (this.#lastId !== undefined) this.goOnAfter(this.#lastId)
  }
}

function format(event: EventView): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
