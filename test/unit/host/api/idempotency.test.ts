import { IdempotencyKeys } from '@conet/host/api/idempotency-keys'
import type { Store } from '@conet/host/store/index'
import { ConetError } from '@conet/sdk'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { apiFixture, network, openStore } from './api-fixture.ts'

const request = (key: string, body: object) => ({
  method: 'POST' as const,
  url: '/networks',
  headers: { 'idempotency-key': key },
  payload: body,
})

describe('an Idempotency-Key', () => {
  it('[B26] gives the same answer again, to a repeated and to a concurrent request', async () => {
    let made = 0
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    await using api = await apiFixture({
      createNetwork: async () => {
        made += 1
        await gate
        return { network, created: true }
      },
    })
    const body = { type: 'null', generate_name: true }
    const two = [api.app.inject(request('k', body)), api.app.inject(request('k', body))]
    open()
    const answers = [...(await Promise.all(two)), await api.app.inject(request('k', body))]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201])
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(1)
    expect(made).toBe(1)
  })

  it('with another request is refused', async () => {
    await using api = await apiFixture({ createNetwork: async () => ({ network, created: true }) })
    await api.app.inject(request('k', { type: 'null', name: 'a' }))
    const answer = await api.app.inject(request('k', { type: 'null', name: 'b' }))
    expect([answer.statusCode, answer.json().kind]).toEqual([422, 'conflict'])
    expect(answer.json().fields[0].path).toBe('Idempotency-Key')
  })

  it('that is garbage is refused', async () => {
    await using api = await apiFixture()
    const answer = await api.app.inject(request('x'.repeat(256), { type: 'null', name: 'a' }))
    expect([answer.statusCode, answer.json().fields[0].path]).toEqual([400, 'Idempotency-Key'])
  })

  it('of a request that failed may be used again', async () => {
    let calls = 0
    await using api = await apiFixture({
      createNetwork: async () => {
        calls += 1
        if (calls === 1) throw new ConetError('driverUnavailable', 'create network: not now')
        return { network, created: true }
      },
    })
    expect((await api.app.inject(request('k', { type: 'null', name: 'a' }))).statusCode).toBe(503)
    expect((await api.app.inject(request('k', { type: 'null', name: 'a' }))).statusCode).toBe(201)
  })
})

const onError = (error: unknown) => {
  throw error
}

describe('kept answers', () => {
  it('survive a restart, go after their time, and are bounded', async () => {
    await using directory = await temporaryDirectory()
    let now = 1_000
    let made = 0
    const make = async () => ({ status: 201, body: { n: ++made } })
    const first = await openStore(directory.path)
    const before = new IdempotencyKeys({ store: first, onError, now: () => now, mostKept: 2, keptMs: 100 })
    await before.answer('a', 'r', make)
    await before.flush()
    await first.close()

    await using second = await openStore(directory.path)
    const after = new IdempotencyKeys({ store: second, onError, now: () => now, mostKept: 2, keptMs: 100 })
    const answerOf = async (key: string) => {
      const keyed = await after.answer(key, 'r', make)
      await after.flush()
      return keyed.ok ? keyed.answer.body : keyed.reason
    }
    expect(await answerOf('a')).toEqual({ n: 1 })
    now += 1
    expect(await answerOf('b')).toEqual({ n: 2 })
    now += 1
    expect(await answerOf('c')).toEqual({ n: 3 })
    expect(await answerOf('b')).toEqual({ n: 2 })
    expect(await answerOf('a')).toEqual({ n: 4 })
    now += 200
    expect(await answerOf('a')).toEqual({ n: 5 })
    expect(second.table('idempotency', Type.Unknown()).list()).toHaveLength(1)
  })
  it('are written many at once, behind the answers', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openStore(directory.path)
    let writes = 0
    const transaction: Store['transaction'] = (change) => {
      writes += 1
      return store.transaction(change)
    }
    const table: Store['table'] = (name, schema) => store.table(name, schema)
    const keys = new IdempotencyKeys({ store: { table, transaction }, onError })
    const make = async () => ({ status: 201, body: {} })
    await Promise.all(['a', 'b', 'c'].map((key) => keys.answer(key, 'r', make)))
    expect(writes).toBe(0)
    await eventually(() => store.table('idempotency', Type.Unknown()).list().length === 3)
    expect(writes).toBe(1)
  })
})
