import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbStore } from '@conet/host/store/index'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinedProgram } from '../../../support/joined-program.ts'

const writer = joinedProgram('test/unit/host/store/writer.mjs')
const fill = new URL('fill.mjs', import.meta.url).pathname
let directory = ''
let path = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conet-store-'))
  path = join(directory, 'store', 'store.mdb')
})
afterEach(() => rmSync(directory, { recursive: true }))

/** Starts a writer and kills it with SIGKILL as soon as it is under way. */
async function killedWriter(durability: string): Promise<void> {
  const child = spawn(process.execPath, [writer, path, durability], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('lmdb store', () => {
  it('keeps what was committed over a restart, with files that only the owner reads', async () => {
    const first = new LmdbStore({ path, durable: true })
    first.transaction((changes) => changes.put('networks/a', 'one'))
    await first.close()
    const second = new LmdbStore({ path, durable: true })
    expect(second.get('networks/a')).toBe('one')
    await second.close()
    expect(statSync(join(directory, 'store')).mode & 0o777).toBe(0o700)
    for (const file of [path, `${path}-lock`]) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['a file of another kind', (file: string) => writeFileSync(file, Buffer.alloc(20_000, 7))],
    ['a short file', (file: string) => writeFileSync(file, 'hello')],
    ['a directory', (file: string) => mkdirSync(file)],
  ])('refuses %s instead of ending the process', (_, make) => {
    const file = join(directory, 'store.mdb')
    make(file)
    expect(() => new LmdbStore({ path: file, durable: true })).toThrow(
      expect.objectContaining({ kind: 'failedPrecondition' }),
    )
  })

  it('undoes a transaction that throws, and passes its error on', async () => {
    const store = new LmdbStore({ path, durable: false })
    store.transaction((changes) => changes.put('a', '1'))
    const reason = new Error('no')
    const work = () =>
      store.transaction((changes) => {
        changes.put('a', '2')
        changes.put('b', '2')
        expect(store.get('a')).toBe('2')
        throw reason
      })
    expect(work).toThrow(reason)
    expect(store.list('')).toEqual([{ key: 'a', value: '1' }])
    await store.close()
  })

  it('undoes an inner transaction alone when the outer one goes on', async () => {
    const store = new LmdbStore({ path, durable: false })
    store.transaction((outer) => {
      outer.put('a', '1')
      expect(() =>
        store.transaction((inner) => {
          inner.put('b', '1')
          throw new Error('inner')
        }),
      ).toThrow('inner')
    })
    expect(store.list('')).toEqual([{ key: 'a', value: '1' }])
    await store.close()
  })

  it('refuses asynchronous work and writes after the end of a transaction', async () => {
    const store = new LmdbStore({ path, durable: false })
    expect(() => store.transaction(async (changes) => changes.put('a', '1'))).toThrow('must be synchronous')
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no Promise is what is tried
    const thenable = { then: () => undefined }
    expect(() => store.transaction(() => thenable)).toThrow('must be synchronous')
    expect(store.get('a')).toBeUndefined()
    const changes = store.transaction((open) => open)
    expect(() => changes.put('a', '1')).toThrow('after it had ended')
    await store.close()
  })

  it('lists exactly the keys below a prefix, in order', async () => {
    const store = new LmdbStore({ path, durable: false })
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '-', '.', 'é', '0', '~'),
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 30 }), key, (keys, prefix) => {
        store.transaction((changes) => {
          for (const old of store.list('')) changes.delete(old.key)
          for (const each of keys) changes.put(each, `value of ${each}`)
        })
        const expected = keys
          .filter((each) => each.startsWith(prefix))
          .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(store.list(prefix)).toEqual(expected.map((each) => ({ key: each, value: `value of ${each}` })))
      }),
      { numRuns: 200 },
    )
    await store.close()
  })

  it.each(['durable', 'volatile'])(
    'finds each transaction of a killed %s writer whole or absent',
    async (durability) => {
      let last = 0
      for (let round = 0; round < 6; round++) {
        await killedWriter(durability)
        const store = new LmdbStore({ path, durable: durability === 'durable' })
        const values = new Set(['a', 'b', 'c', 'd'].map((key) => store.get(key)))
        expect(values.size).toBe(1)
        const n = Number([...values][0])
        expect(n).toBeGreaterThanOrEqual(last + 20 - (last % 20))
        expect(store.get(`row/${String(n % 500).padStart(4, '0')}`)).toHaveLength(n % 3000)
        last = n
        await store.close()
      }
    },
  )

  it('refuses puts above its limit with storageFull, and takes them again after deletes', async () => {
    const store = new LmdbStore({ path, durable: false, maxBytes: 256 * 1024 })
    const put = (n: number) => store.transaction((changes) => changes.put(`key/${n}`, 'x'.repeat(1000)))
    const fillUp = () => {
      for (let n = 0; n < 2000; n++) put(n)
    }
    expect(fillUp).toThrow(expect.objectContaining({ kind: 'storageFull' }))
    store.transaction((changes) => {
      for (const { key } of store.list('key/')) changes.delete(key)
    })
    put(1)
    expect(store.list('')).toHaveLength(1)
    await store.close()
  })

  it('takes removals above its limit, with the records that they write', async () => {
    const store = new LmdbStore({ path, durable: false, maxBytes: 256 * 1024 })
    const put = (n: number, purpose?: 'removal') =>
      store.transaction((changes) => changes.put(`key/${n}`, 'x'.repeat(1000)), purpose)
    expect(() => {
      for (let n = 0; n < 2000; n++) put(n)
    }).toThrow(expect.objectContaining({ kind: 'storageFull' }))
    put(0, 'removal')
    expect(() => put(0)).toThrow(expect.objectContaining({ kind: 'storageFull' }))
    await store.close()
  })

  const needsRoot = process.getuid?.() === 0 ? false : 'mounts a small file system'
  it.skipIf(needsRoot).each(['durable', 'volatile'])(
    'reports a full disk as storageFull, keeps every earlier transaction, takes removals still and goes on once there is room (%s)',
    (durability) => {
      const script = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" "$3" "$1" "$4"'
      const argv = ['-m', 'sh', '-c', script, 'sh', directory, process.execPath, fill, durability]
      const output = execFileSync('unshare', argv, {
        encoding: 'utf8',
        timeout: 20_000,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      expect(JSON.parse(output)).toEqual({
        kind: 'storageFull',
        whole: true,
        written: expect.any(Number),
        removed: true,
        after: 'room',
      })
    },
  )
})
