// Members of etcd that take connections and never answer, as one does that stands still or is behind a firewall.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClusterHost } from '../../support/cluster-fixture.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

let etcd: EtcdProcess
let silent: Server
const sockets = new Set<Socket>()
/** It comes first, and a member behind it that nobody has started. */
let endpoints: string[]

beforeAll(async () => {
  etcd = await EtcdProcess.start()
  silent = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  endpoints = [`127.0.0.1:${port}`, '127.0.0.1:1', etcd.endpoint]
})
afterAll(async () => {
  silent?.close()
  for (const socket of sockets) socket.destroy()
  await etcd?.[Symbol.asyncDispose]()
})

/** A way to etcd that can be shut: whoever is connected, and whoever comes then, hears nothing. */
async function gate() {
  const pairs: [Socket, Socket][] = []
  let isShut = false
  const to = { host: '127.0.0.1', port: 2379 }
  const server = createServer((near) => {
    const far = connect(to)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    pairs.push([near, far])
    if (!isShut) near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `127.0.0.1:${port}`,
    shut() {
      isShut = true
      for (const [near, far] of pairs) {
        near.unpipe(far).pause()
        far.unpipe(near).pause()
      }
    },
    open() {
      isShut = false
      for (const [near, far] of pairs) near.pipe(far).pipe(near)
    },
    close: () => server.close(),
  }
}

// Side by side, since they wait for leases to run out that must not.
describe.concurrent('a member of etcd that never answers', () => {
  it('is beside a host that takes part at once, and stays so: nothing fails, and its lease is kept', async () => {
    await using host = await ClusterHost.start(`etcd://${endpoints.join(',')}`, 'one', 1)
    const network = () => host.client.createNetwork({ name: 'blue', type: 'span' })
    await eventually(network, { timeoutMs: 3_000 })
    expect(await host.plug('a', 'blue')).toMatchObject({ published: true })
    const states = new Set<string | undefined>()
    const until = performance.now() + 25_000
    while (performance.now() < until) {
      const { cluster, findings } = await host.client.status()
      states.add(cluster?.state)
      expect(findings.map(({ code }) => code)).not.toContain('cluster-away')
      await sleep(500)
    }
    expect([...states]).toEqual(['joined'])
    await host.removeContainers()
    await host.client.deleteNetwork('blue')
  })

  it('costs no call, and no call waits for it', async () => {
    const store = new EtcdStore({ endpoints })
    for (let time = 0; time < 30; time++) {
      const began = performance.now()
      expect(await store.commit([], [{ put: '/k', value: `${time}` }])).toMatchObject({ committed: true })
      expect(performance.now() - began).toBeLessThan(1_500)
      // In this time it is no longer known that the member is there.
      if (time % 10 === 0) await sleep(1_100)
    }
    store.close()
  })

  it('for longer than a lease lives, of two, costs neither the lease nor a read', async () => {
    const gates = [await gate(), await gate()]
    const store = new EtcdStore({ endpoints: gates.map(({ endpoint }) => endpoint) })
    const end = new AbortController()
    const lease = await store.holdLease(5, end.signal)
    await store.commit([], [{ put: '/alive', value: 'yes', lease: lease.id }])
    for (const gate of gates) {
      gate.shut()
      const until = performance.now() + 8_000
      while (performance.now() < until) {
        expect(await store.get('/alive')).toMatchObject({ value: 'yes' })
        await sleep(100)
      }
      gate.open()
    }
    end.abort()
    expect(await lease.lost).toBeUndefined()
    store.close()
    for (const gate of gates) gate.close()
  })
})

it('a host that has joined is away while its only member stands still, and never said to be joining', async () => {
  const { endpoint, shut, open, close } = await gate()
  {
    await using host = await ClusterHost.start(`etcd://${endpoint}`, 'two', 2)
    const state = async () => (await host.client.status()).cluster?.state
    await eventually(async () => expect(await state()).toBe('joined'), { timeoutMs: 15_000 })
    shut()
    const states = new Set<string | undefined>()
    const until = performance.now() + 20_000
    while (performance.now() < until) states.add(await state())
    open()
    expect([...states]).toEqual(['away'])
    await eventually(async () => expect(await state()).toBe('joined'), { timeoutMs: 30_000 })
  }
  close()
})
