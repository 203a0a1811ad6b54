import { getEventListeners } from 'node:events'
import { EtcdConnection } from '@conet/host/cluster/etcd-connection'
import { holdLease } from '@conet/host/cluster/etcd-lease'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import type { WatchedChange } from '@conet/host/cluster/shared-store'
import { ConetError } from '@conet/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

let etcd: EtcdProcess
let store: EtcdStore

beforeAll(async () => {
  etcd = await EtcdProcess.start()
})
afterAll(() => etcd?.[Symbol.asyncDispose]())
beforeEach(() => {
  store = new EtcdStore({ endpoints: [etcd.endpoint], timeoutMs: 1_000 })
})
afterEach(async () => {
  await store.commit([], [{ clear: '/' }])
  store.close()
})

const put = (key: string, value = key) => store.commit([], [{ put: key, value }])

/** Collects what a watch says. */
function watching(prefix: string, after: number) {
  const abort = new AbortController()
  const changes: WatchedChange[] = []
  const end = store.watch(prefix, { after, signal: abort.signal, changed: (more) => changes.push(...more) })
  const failure = end.then(
    () => undefined,
    (error: unknown) => error,
  )
  return { changes, failure, stop: () => abort.abort() }
}

describe('the shared store in etcd', () => {
  it('gives back what was put, and lists a prefix in order, page by page, as of one revision', async () => {
    expect(await store.get('/a')).toBeUndefined()
    const { revision } = await put('/a', 'grün')
    expect(await store.get('/a')).toEqual({ key: '/a', value: 'grün', revision })
    const keys = Array.from({ length: 4_500 }, (_, index) => `/many/${String(index).padStart(5, '0')}`)
    for (let from = 0; from < keys.length; from += 100)
      await store.commit(
        [],
        keys.slice(from, from + 100).map((key) => ({ put: key, value: 'x' })),
      )
    await put('/manyfold')
    const { entries } = await store.list('/many/')
    expect(entries.map(({ key }) => key)).toEqual(keys)
  })

  it('commits all or nothing, by conditions on keys and on what is below a prefix', async () => {
    const first = await store.commit([{ absent: '/n/a' }], [{ put: '/n/a', value: '1' }])
    expect(first.committed).toBe(true)
    const twice = await store.commit([{ absent: '/n/a' }], [{ put: '/n/b', value: '2' }])
    expect(twice.committed).toBe(false)
    expect(await store.get('/n/b')).toBeUndefined()
    expect((await store.commit([{ empty: '/n/' }], [{ delete: '/n/a' }])).committed).toBe(false)
    expect(
      (await store.commit([{ present: '/n/a' }, { empty: '/m/' }], [{ put: '/n/a', value: '3' }])).committed,
    ).toBe(true)
    expect(
      (await store.commit([{ unchanged: '/n/a', since: first.revision }], [{ clear: '/n/' }])).committed,
    ).toBe(false)
    const now = await store.get('/n/a')
    expect(
      (await store.commit([{ unchanged: '/n/a', since: now?.revision ?? 0 }], [{ clear: '/n/' }])).committed,
    ).toBe(true)
    expect((await store.list('/n/')).entries).toEqual([])
  })

  it('hands on each change after a revision, also those before the watch began', async () => {
    const { revision } = await put('/w/0')
    await put('/w/1', 'one')
    const { changes, failure, stop } = watching('/w/', revision)
    await store.commit([], [{ put: '/w/2', value: 'two' }, { delete: '/w/1' }, { put: '/x', value: 'no' }])
    await eventually(() => expect(changes).toHaveLength(3))
    expect(changes).toMatchObject([
      { key: '/w/1', value: 'one' },
      { key: '/w/2', value: 'two' },
      { key: '/w/1' },
    ])
    expect(changes[2]).not.toHaveProperty('value')
    stop()
    expect(await failure).toBeUndefined()
  })

  it('ends a watch that asks for what is compacted', async () => {
    const { revision } = await put('/c/0')
    await put('/c/1')
    const last = await put('/c/2')
    await etcd.control('compact', String(last.revision))
    const { failure, changes } = watching('/c/', revision - 1)
    expect(await failure).toMatchObject({ kind: 'clusterUnavailable' })
    expect(changes).toEqual([])
  })

  it('ends its watches and fails its calls while etcd is away, and goes on when it is back', async () => {
    const { revision } = await put('/d/0')
    const { failure } = watching('/d/', revision)
    await put('/d/1')
    await etcd.stop('SIGKILL')
    expect(await failure).toBeInstanceOf(ConetError)
    const before = performance.now()
    await expect(put('/d/2')).rejects.toMatchObject({ kind: 'clusterUnavailable' })
    expect(performance.now() - before).toBeLessThan(3_000)
    await etcd.start()
    await eventually(() => put('/d/2'))
    expect((await store.list('/d/')).entries.map(({ key }) => key)).toEqual(['/d/0', '/d/1', '/d/2'])
  })

  it('leaves nothing of a lease with the client when the lease is over, or was never granted', async () => {
    const connection = new EtcdConnection({ endpoints: [etcd.endpoint] }, () => undefined)
    const connected = await connection.choose(1_000)
    const listeners = () => getEventListeners(connected.replaced, 'abort').length
    const choose = async () => connected
    const hold = (signal: AbortSignal) => holdLease(choose, { ttlSeconds: 10, signal, timeoutMs: 1_000 })
    try {
      const end = new AbortController()
      const leases = await Promise.all([hold(end.signal), hold(end.signal)])
      expect(listeners()).toBe(1)
      end.abort()
      expect(await Promise.all(leases.map(({ lost }) => lost))).toEqual([undefined, undefined])
      expect(listeners()).toBe(0)
      // Whoever ends while it is granted has none either.
      const early = new AbortController()
      const granting = hold(early.signal)
      early.abort()
      await granting
      await eventually(async () => expect(await etcd.control('lease', 'list')).toContain('found 0 leases'))
      await etcd.stop('SIGKILL')
      await expect(hold(new AbortController().signal)).rejects.toMatchObject({ kind: 'clusterUnavailable' })
      expect(listeners()).toBe(0)
    } finally {
      connection.close()
      await etcd.start()
    }
  })

  it('ends a watch at a member that has no leader any more, and would be silent', async () => {
    const ports = [12_379, 22_379, 32_379]
    const peers = ports.map((port) => `m${port}=http://127.0.0.1:${port + 1}`).join(',')
    const common = ['--initial-cluster', peers, '--heartbeat-interval', '50', '--election-timeout', '250']
    const members = await Promise.all(
      ports.map((port) => EtcdProcess.start({ port, flags: ['--name', `m${port}`, ...common] })),
    )
    const [first, ...others] = members
    const alone = new EtcdStore({ endpoints: [first?.endpoint ?? ''] })
    const end = new AbortController()
    try {
      const { revision } = await alone.commit([], [{ put: '/l', value: '' }])
      const isOver = alone.watch('/l', { after: revision, signal: end.signal, changed: () => undefined })
      const failure = isOver.then(
        () => undefined,
        (error: unknown) => error,
      )
      for (const member of others) await member.pause()
      expect(await failure).toMatchObject({ message: expect.stringContaining('no leader') })
    } finally {
      end.abort()
      alone.close()
      for (const member of members) await member[Symbol.asyncDispose]()
    }
  })

  it('says of an etcd that asks for no passwords that it refuses one', async () => {
    const known = new EtcdStore({ endpoints: [etcd.endpoint], user: { name: 'conet', password: 'x' } })
    await expect(known.list('/')).rejects.toMatchObject({
      kind: 'clusterUnavailable',
      message: expect.stringContaining('etcd refuses what this host asks'),
      help: expect.stringContaining('leave --cluster-user away'),
    })
    known.close()
  })

  it('gives up a call that is not answered in its time', async () => {
    await put('/p')
    await etcd.pause()
    try {
      await expect(store.get('/p', { timeoutMs: 300 })).rejects.toMatchObject({ kind: 'clusterUnavailable' })
    } finally {
      etcd.resume()
    }
    await eventually(async () => expect(await store.get('/p')).toMatchObject({ value: '/p' }))
  })

  it('keeps the keys of a lease while it is held', async () => {
    const abort = new AbortController()
    const lease = await store.holdLease(2, abort.signal)
    await store.commit([], [{ put: '/alive/one', value: 'here', lease: lease.id }])
    expect(await etcd.control('lease', 'list')).toContain(BigInt(lease.id).toString(16))
    abort.abort()
    expect(await lease.lost).toBeUndefined()
    await eventually(async () => expect(await store.get('/alive/one')).toBeUndefined())
  })

  it('says in plain words that a lease is gone', async () => {
    const abort = new AbortController()
    const lease = await store.holdLease(2, abort.signal)
    await etcd.control('lease', 'revoke', BigInt(lease.id).toString(16))
    expect(await lease.lost).toMatchObject({
      kind: 'clusterUnavailable',
      message: expect.stringMatching(
        /^the lease of this host is gone: etcd has not heard of it for 2 seconds/,
      ),
    })
    abort.abort()
  })
})
