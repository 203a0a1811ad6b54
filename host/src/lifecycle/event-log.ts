// What happened, in order: for event streams that may come back and ask for what they missed, also of the next conetd.
import { EventView } from '@conet/sdk/api'
import { type Static, Type } from 'typebox'

export type HostEvent = Omit<EventView, 'id' | 'time'>

/** Streams that fall further behind than this are told so and start anew. */
const keptEvents = 4096

/** What one conetd leaves to the next when it stops in order. */
export const EventHistory = Type.Object({ nextId: Type.Integer(), events: Type.Array(EventView) })
export type EventHistory = Static<typeof EventHistory>

export class EventLog {
  readonly #events: EventView[]
  readonly #listeners = new Set<(event: EventView) => void>()
  #nextId: number

  /**
   * Goes on where the former conetd stopped. Without its history, after a crash, the ids are above every one that it gave
   * out, so that a stream which comes back learns that it missed something.
   */
  constructor(history: EventHistory = { nextId: Date.now() * 1000, events: [] }) {
    this.#nextId = history.nextId
    this.#events = [...history.events]
  }

  append(event: HostEvent): void {
    const entry: EventView = { id: this.#nextId++, time: new Date().toISOString(), ...event }
    this.#events.push(entry)
    if (this.#events.length > keptEvents) this.#events.shift()
    for (const listener of this.#listeners) listener(entry)
  }

  /** That of the last event; without any, the one before the first. */
  lastId(): number {
    return this.#nextId - 1
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

  /** For the next conetd; nothing may be appended after it. */
  history(): EventHistory {
    return { nextId: this.#nextId, events: [...this.#events] }
  }
}
