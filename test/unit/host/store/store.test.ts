import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbStore, type QuarantinedRecord, Store, type StoreOptions } from '@conet/host/store/index'
import { Type } from 'typebox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const networkSchema = Type.Object(
  { name: Type.String(), mtu: Type.Integer() },
  { additionalProperties: false },
)
let directory = ''
let path = ''
let quarantined: QuarantinedRecord[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conet-store-'))
  path = join(directory, 'store.mdb')
  quarantined = []
})
afterEach(() => rmSync(directory, { recursive: true }))

function openStore(options: Partial<StoreOptions> = {}): Promise<Store> {
  const onQuarantine = (record: QuarantinedRecord) => quarantined.push(record)
  return Store.open({ path, durable: false, schema: { version: 1 }, onQuarantine, ...options })
}

async function writeRaw(entries: Record<string, string>): Promise<void> {
  const raw = new LmdbStore({ path, durable: false })
  raw.transaction((changes) => {
    for (const [key, value] of Object.entries(entries)) changes.put(key, value)
  })
  await raw.close()
}

describe('store', () => {
  it('keeps typed records of several tables in one transaction', async () => {
    await using store = await openStore()
    const networks = store.table('networks', networkSchema)
    const counts = store.table('counts', Type.Number())
    store.transaction((changes) => {
      networks.put(changes, 'a', { name: 'blue', mtu: 1500 })
      counts.put(changes, 'a', 3)
    })
    expect(networks.get('a')).toEqual({ name: 'blue', mtu: 1500 })
    expect(networks.get('b')).toBeUndefined()
    expect(counts.list()).toEqual([{ key: 'a', record: 3 }])
    store.transaction((changes) => networks.delete(changes, 'a'))
    store.transaction((changes) => networks.delete(changes, 'a'))
    expect(networks.has('a')).toBe(false)
    expect(counts.has('a')).toBe(true)
  })

  it('moves records that do not fit aside, reports them, and starts with the rest', async () => {
    await writeRaw({
      'meta/version': '1',
      'networks/good': '{"name":"blue","mtu":1500}',
      'networks/wrong': '{"name":"red","mtu":"big"}',
      'networks/torn': '{"name":"re',
    })
    {
      await using store = await openStore()
      const networks = store.table('networks', networkSchema)
      expect(networks.list().map(({ key }) => key)).toEqual(['good'])
      expect(quarantined.map(({ key, reason }) => [key, reason])).toEqual([
        ['torn', expect.stringContaining('JSON')],
        ['wrong', expect.stringContaining('/mtu')],
      ])
    }
    await using again = await openStore()
    quarantined = []
    again.table('networks', networkSchema)
    expect(quarantined).toEqual([])
    expect(again.quarantine().map(({ table, key, text }) => [table, key, text])).toEqual([
      ['networks', 'torn', '{"name":"re'],
      ['networks', 'wrong', '{"name":"red","mtu":"big"}'],
    ])
  })

  it('refuses a store with a newer schema version and leaves it as it is', async () => {
    await (await openStore({ schema: { version: 1 } })).close()
    const migration = { to: 2, migrate: () => undefined }
    await (await openStore({ schema: { version: 2, migrations: [migration] } })).close()
    await expect(openStore({ schema: { version: 1 } })).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining('version 2 is newer than 1'),
    })
    await (await openStore({ schema: { version: 2 } })).close()
  })

  it('migrates step by step in one transaction, and not at all if a step fails', async () => {
    await (await openStore()).close()
    await writeRaw({ 'networks/a': '{"name":"blue"}' })
    const toTwo = {
      to: 2,
      migrate: (
        store: { get(key: string): string | undefined },
        changes: { put(key: string, value: string): void },
      ) =>
        changes.put(
          'networks/a',
          JSON.stringify({ ...JSON.parse(store.get('networks/a') ?? ''), mtu: 1500 }),
        ),
    }
    const broken = {
      to: 3,
      migrate: () => {
        throw new Error('broken')
      },
    }
    await expect(openStore({ schema: { version: 3, migrations: [toTwo, broken] } })).rejects.toThrow('broken')
    await expect(openStore({ schema: { version: 3, migrations: [toTwo] } })).rejects.toMatchObject({
      message: expect.stringContaining('no migration from version 2 to 3'),
    })
    const untouched = new LmdbStore({ path, durable: false })
    expect(untouched.get('networks/a')).toBe('{"name":"blue"}')
    await untouched.close()
    await using store = await openStore({ schema: { version: 2, migrations: [toTwo] } })
    expect(store.table('networks', networkSchema).get('a')).toEqual({ name: 'blue', mtu: 1500 })
    expect(quarantined).toEqual([])
  })

  it('refuses a database that is not conet’s', async () => {
    await writeRaw({ other: 'data' })
    await expect(openStore()).rejects.toMatchObject({ kind: 'failedPrecondition' })
  })
})
