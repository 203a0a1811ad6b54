// Server-sent events (HTML Living Standard, section 9.2). Each event is written out once for all streams. A client that
// does not keep up is told to start anew instead of being waited for.
import type { ServerResponse } from 'node:http'
import { ConetError } from '@conet/sdk'
import type { EventView } from '@conet/sdk/api'
import type { EventSource } from './api-context.ts'

export type EventStreamsOptions = {
  readonly events: EventSource
  readonly heartbeatMs?: number
  readonly mostStreams?: number
  /** A stream with more than this unsent is behind. */
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
    const stream = new EventStream(response, this.#options.mostBufferedBytes)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.once('close', () => this.#remove(stream))
    // A comment first, so that the headers go out at once.
    stream.write(heartbeat)
    if (since !== undefined) this.#replay(stream, since)
    this.#add(stream)
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of [...this.#streams]) {
      this.#remove(stream)
      stream.end()
    }
  }

  #replay(stream: EventStream, since: number): void {
    const missed = this.#options.events.since(since)
    if (missed === undefined) stream.write(resync)
    else for (const event of missed) stream.write(format(event))
  }

  #add(stream: EventStream): void {
    this.#streams.add(stream)
    this.#unsubscribe ??= this.#options.events.subscribe((event) => this.#writeAll(format(event)))
    this.#timer ??= setInterval(() => this.#writeAll(heartbeat), this.#options.heartbeatMs)
  }

  #remove(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #writeAll(text: string): void {
    for (const stream of this.#streams) stream.write(text)
  }
}

class EventStream {
  readonly #response: ServerResponse
  readonly #mostBufferedBytes: number
  #isBehind = false

  constructor(response: ServerResponse, mostBufferedBytes: number) {
    this.#response = response
    this.#mostBufferedBytes = mostBufferedBytes
    response.on('drain', () => this.#catchUp())
  }

  /** Drops what a client that is behind would not get in time: it hears `resync` once it reads again. */
  write(text: string): void {
    if (this.#isBehind) return
    this.#response.write(text)
    this.#isBehind = this.#response.writableLength > this.#mostBufferedBytes
  }

  end(): void {
    this.#response.end()
  }

  #catchUp(): void {
    if (!this.#isBehind) return
    this.#isBehind = false
    this.write(resync)
  }
}

function format(event: EventView): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
