// What happened, in order: for event streams that may come back and ask for what they missed.
import type { EventView } from '@conet/sdk/api'

export type HostEvent = Omit<EventView, 'id' | 'time'>

/** Streams that fall further behind than this are told so and start anew. */
const keptEvents = 4096

export class EventLog {
  readonly #events: EventView[] = []
  readonly #listeners = new Set<(event: EventView) => void>()
  /** Above every id of an earlier conetd, so that a stream which comes back to a new one learns that it missed something. */
  #nextId = Date.now() * 1000

  append(event: HostEvent): void {
    const entry: EventView = { id: this.#nextId++, time: new Date().toISOString(), ...event }
    this.#events.push(entry)
    if (this.#events.length > keptEvents) this.#events.shift()
    for (const listener of this.#listeners) listener(entry)
  }

  /** The events after `id`; 0: all that are kept. Undefined when some of them are no longer kept. */
  since(id: number): EventView[] | undefined {
    if (id === 0) return [...this.#events]
    const oldest = this.#events[0]?.id ?? this.#nextId
    if (id + 1 < oldest || id >= this.#nextId) return undefined
    return this.#events.slice(id + 1 - oldest)
  }

  /** Calls `listener` for each event from now on, until the returned function is called. A listener never throws. */
  subscribe(listener: (event: EventView) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
