// What conetd keeps in its run directory for itself, by the names of the rooms.
import { spawnRecordsRoom } from '../drivers/index.ts'

export const runRooms = {
  /** The store that ends with the machine's boot. */
  store: 'store',
  /** Namespaces of sandboxes. */
  sandboxes: 'netns',
  resolver: 'resolver',
  spawned: spawnRecordsRoom,
} as const
