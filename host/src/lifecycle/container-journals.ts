// The last events of each container, on tmpfs: they outlive conetd and the container, and end with the machine's boot.
// Written up to a second after they happen, many at once: a journal is written anew as a whole, which under a burst of plugs
// would cost more than the plugs.
import { EventView } from '@conet/sdk/api'
import { type Static, Type } from 'typebox'
import { sandboxIdOf } from '../domain/ids.ts'
import type { Table } from '../store/index.ts'
import type { RecordStore } from './inventory-tables.ts'

const Journal = Type.Object({ handle: Type.String(), events: Type.Array(EventView) })
type Journal = Static<typeof Journal>

export type ContainerJournalsOptions = {
  readonly store: RecordStore
  /** Whether a container has the handle: its journal stays. Of the others only the newest are kept. */
  readonly isKnown: (handle: string) => boolean
  /** Hears of events that cannot be written now; they are tried again with the next ones. */
  readonly onError: (error: unknown) => void
  readonly keptEvents?: number
  readonly keptForeign?: number
  readonly delayMs?: number
}

export class ContainerJournals implements Disposable {
  readonly #options: Required<ContainerJournalsOptions>
  readonly #table: Table<Journal>
  /** What is not written yet, by handle. */
  readonly #waiting = new Map<string, EventView[]>()
  /** Handles with a journal and no container, the longest untouched first. */
  readonly #foreign = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ContainerJournalsOptions) {
    this.#options = { keptEvents: 64, keptForeign: 256, delayMs: 1_000, ...options }
    this.#table = options.store.table('journals', Journal)
    const lastOf = ({ events }: Journal) => events.at(-1)?.id ?? 0
    const journals = this.#table.list().map(({ record }) => record)
    for (const { handle } of journals.sort((a, b) => lastOf(a) - lastOf(b))) this.#touch(handle)
  }

  /** Takes note of an event, if it is about a container. */
  append(event: EventView): void {
    const { container: handle } = event
    if (handle === undefined) return
    const waiting = this.#waiting.get(handle)
    if (waiting === undefined) this.#waiting.set(handle, [event])
    else waiting.push(event)
    this.#timer ??= setTimeout(() => this.#tryFlush(), this.#options.delayMs)
  }

  /** Oldest first; undefined for a handle of which nothing is kept. */
  eventsOf(handle: string): EventView[] | undefined {
    const written = this.#table.get(sandboxIdOf(handle))?.events
    const waiting = this.#waiting.get(handle)
    if (written === undefined && waiting === undefined) return undefined
    return [...(written ?? []), ...(waiting ?? [])].slice(-this.#options.keptEvents)
  }

  /** Writes what waits now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.size === 0) return
    const handles = [...this.#waiting.keys()]
    const journals = handles.map((handle) => ({ handle, events: this.eventsOf(handle) ?? [] }))
    for (const handle of handles) this.#touch(handle)
    const surplus = [...this.#foreign].slice(0, Math.max(0, this.#foreign.size - this.#options.keptForeign))
    this.#options.store.transaction((changes) => {
      for (const journal of journals) this.#table.put(changes, sandboxIdOf(journal.handle), journal)
      for (const handle of surplus) this.#table.delete(changes, sandboxIdOf(handle))
    })
    for (const handle of surplus) this.#foreign.delete(handle)
    this.#waiting.clear()
  }

  [Symbol.dispose](): void {
    this.#tryFlush()
    clearTimeout(this.#timer)
  }

  /** Bounded also while nothing can be written: of each container the newest events wait. */
  #tryFlush(): void {
    try {
      this.flush()
    } catch (error) {
      this.#options.onError(error)
      for (const [handle, events] of this.#waiting)
        this.#waiting.set(handle, events.slice(-this.#options.keptEvents))
    }
  }

  #touch(handle: string): void {
    this.#foreign.delete(handle)
    if (!this.#options.isKnown(handle)) this.#foreign.add(handle)
  }
}
