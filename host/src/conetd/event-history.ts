// The event log over a restart in order: the one conetd leaves it, the next one takes it. After a crash there is none.
import type { EventSource } from '../api/api-context.ts'
import { EventHistory, EventLog, type HostContext, type HostEvent } from '../lifecycle/index.ts'
import type { Store } from '../store/index.ts'

const key = 'last'

type HistoryStore = Pick<Store, 'table' | 'transaction'>

/** Takes the history out of the store, so that one crash later nobody mistakes it for the newest. */
export function restoredEvents(store: HistoryStore): EventLog {
  const table = store.table('event-history', EventHistory)
  const history = table.get(key)
  store.transaction((changes) => table.delete(changes, key), 'removal')
  return new EventLog(history)
}

export function keepEvents(store: HistoryStore, events: EventLog): void {
  const table = store.table('event-history', EventHistory)
  store.transaction((changes) => table.put(changes, key, events.history()))
}

/** The events as the API reads them. */
export function eventSource({ events, journals }: HostContext): EventSource {
  return {
    since: (id) => events.since(id),
    lastId: () => events.lastId(),
    subscribe: (listener) => events.subscribe(listener),
    ofContainer: (handle) => journals.eventsOf(handle),
  }
}

/** A driver knows endpoints; whose they are knows the host. */
export function withContainer({ inventory }: HostContext, event: HostEvent): HostEvent {
  const { endpoint_id: id } = event
  const endpoint = id === undefined ? undefined : inventory.endpoints.get(id)
  return endpoint === undefined ? event : { ...event, container: endpoint.handle }
}
