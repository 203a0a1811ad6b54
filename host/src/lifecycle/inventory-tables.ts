// Which records the inventory keeps, and in which of the two stores.
import { type Static, type TSchema, Type } from 'typebox'
import { ContainerRecord, SandboxRecord } from '../domain/container.ts'
import { EndpointRecord } from '../domain/endpoint.ts'
import { NetworkRecord } from '../domain/network.ts'
import type { Changes, Purpose, Table } from '../store/index.ts'

/** The part of a store that the inventory needs. */
export type RecordStore = {
  table<S extends TSchema>(name: string, schema: S): Table<Static<S>>
  transaction<T>(work: (changes: Changes) => T, purpose?: Purpose): T
}

export type InventoryStores = {
  /** Survives a reboot: what clients configured. */
  durable: RecordStore
  /** Survives a crash of the process, and ends with the kernel it describes. */
  volatile: RecordStore
}

export type InventoryTables = ReturnType<typeof openTables>

export function openTables({ durable, volatile }: InventoryStores) {
  return {
    networks: durable.table('networks', NetworkRecord),
    containers: durable.table('containers', ContainerRecord),
    /** Configurations newer than the disk's. */
    overlay: volatile.table('containers', ContainerRecord),
    sandboxes: volatile.table('sandboxes', SandboxRecord),
    endpoints: volatile.table('endpoints', EndpointRecord),
    cursors: volatile.table('cursors', Type.String()),
  }
}
