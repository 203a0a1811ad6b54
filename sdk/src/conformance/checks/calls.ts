// What accompanies a call, and the order in which calls take effect.
import type { CheckContext } from '../context/check-context.ts'
import { succeeded } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints, listedNetworks } from './listed.ts'
import { expect } from './verdicts.ts'

const atOnce = 40

export const callChecks: readonly ActiveCheck[] = [
  {
    id: 'calls.without-meta',
    title: 'calls without _meta, and with half of it, are served',
    level: 'core',
    rules: ['CALL-2'],
    sends: 'network/list without _meta, network/create with nothing but attempt: 3 in it',
    why: 'Tests by hand leave it out, and later versions of the protocol may leave out members.',
    mend: 'Put defaults in place of what is missing.',
    async run(kit) {
      using host = await kit.connect()
      await host.call('network/list', {}, { meta: false })
      await host.call('network/create', { network: kit.objects.network() }, { meta: halfOfIt })
    },
  },
  {
    id: 'calls.bad-meta',
    title: 'calls whose _meta breaks its schema are refused with 1001, and nothing is done',
    level: 'core',
    rules: ['CALL-3'],
    sends: 'network/create with timeoutMs -1, timeoutMs "soon", operationId 7, attempt 0',
    why: 'A time that is not understood is no deadline at all.',
    mend: 'Validate _meta as you do the params.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      for (const meta of [{ timeoutMs: -1 }, { timeoutMs: 'soon' }, { operationId: 7 }, { attempt: 0 }]) {
        await host.refused('network/create', { network }, ['invalidArgument'], { meta, waitMs: kit.promptMs })
      }
      expectListed(await listedNetworks(host), network.id, { times: 0 })
    },
  },
  {
    id: 'calls.in-order',
    title: 'calls on one network and its endpoint take effect in the order in which they were sent',
    level: 'core',
    rules: ['CALL-5'],
    sends: 'network and endpoint created, deleted, created, deleted, without waiting for an answer',
    why: 'The host sends what belongs together without waiting for each answer.',
    mend: 'Queue calls on one object; a call on a network waits for those on its endpoints.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      const endpoint = kit.objects.endpoint(network)
      const ids = { networkId: network.id, endpointId: endpoint.endpointId }
      const replies = [
        host.request('network/create', { network }),
        host.request('endpoint/create', endpoint),
        host.request('endpoint/delete', ids),
        host.request('endpoint/create', endpoint),
        host.request('endpoint/delete', ids),
        host.request('network/delete', { networkId: network.id }),
      ]
      for (const reply of await Promise.all(replies)) succeeded('network/delete', reply)
      expectListed(await listedNetworks(host), network.id, { times: 0 })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 0 })
    },
  },
  {
    id: 'calls.same-at-once',
    title: 'forty creates of one network at once, over two connections, make one network',
    level: 'robust',
    rules: ['CALL-5', 'IDEM-1'],
    sends: 'forty times the same network/create over two connections, without waiting',
    why: 'A host that has lost its connection repeats itself on a new one while the old call still runs.',
    mend: 'Queue by the object’s id over all connections.',
    run: createsAtOnce,
  },
  {
    id: 'calls.many-at-once',
    title: 'forty endpoints that are created at once are all there, and can all be deleted at once',
    level: 'robust',
    rules: ['CALL-5', 'EP-5'],
    sends: 'forty endpoint/create without waiting, then forty endpoint/delete',
    why: 'A machine that boots starts all its containers in one second.',
    mend: 'Look for records that calls on different endpoints share, and change them in one step.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoints = Array.from({ length: atOnce }, () => kit.objects.endpoint(network))
      await Promise.all(endpoints.map((endpoint) => host.call('endpoint/create', endpoint)))
      const listed = await listedEndpoints(host)
      for (const { endpointId } of endpoints) expectListed(listed, endpointId, { times: 1 })
      const refs = endpoints.map(({ endpointId }) => ({ networkId: network.id, endpointId }))
      await Promise.all(refs.map((ref) => host.call('endpoint/delete', ref)))
      const left = await listedEndpoints(host)
      for (const { endpointId } of endpoints) expectListed(left, endpointId, { times: 0 })
    },
  },
  {
    id: 'calls.lost-connection',
    title: 'a call whose connection ends before the answer can be repeated on the next one',
    level: 'robust',
    rules: ['SOCK-7', 'IDEM-1', 'DL-3'],
    sends: 'network/create on five connections that are closed at once; then on one that stays',
    why: 'The host cannot know whether it was done, so it asks again.',
    mend: 'Finish or undo what was under way, and let the next call on the object wait for that.',
    async run(kit) {
      const network = kit.objects.network()
      for (let time = 0; time < 5; time += 1) {
        using lost = await kit.connect()
        lost.start('network/create', { network })
      }
      using host = await kit.connect()
      await host.call('network/create', { network })
      expectListed(await listedNetworks(host), network.id, { times: 1 })
    },
  },
  {
    id: 'calls.overload',
    title: 'a thousand calls at once are each served or refused with 1103, and the connection goes on',
    level: 'robust',
    rules: ['CALL-9', 'RPC-6', 'HLTH-1'],
    sends: 'network/list a thousand times and a ping, without waiting',
    why: 'A driver that falls over under load takes all its networks with it.',
    mend: 'Bound what you have under way; answer overloaded beyond it, and pings always.',
    run: floods,
  },
]

/** What is undefined is not sent. */
const halfOfIt = { attempt: 3, operationId: undefined, timeoutMs: undefined, progressToken: undefined }

async function createsAtOnce(kit: CheckContext): Promise<void> {
  using first = await kit.connect()
  using second = await kit.connect()
  const network = kit.objects.network()
  const hosts = Array.from({ length: atOnce }, (_, index) => (index % 2 === 0 ? first : second))
  await Promise.all(
    hosts.map(async (host) => {
      const reply = await host.request('network/create', { network })
      // Somebody is at it: a driver may say so instead of queueing.
      const isPending = 'error' in reply && reply.error.code === 1101
      if (!isPending) succeeded('network/create', reply)
    }),
  )
  expectListed(await listedNetworks(first), network.id, { times: 1 })
}

async function floods(kit: CheckContext): Promise<void> {
  using host = await kit.connect()
  const calls = Array.from({ length: 1_000 }, () => host.request('network/list', {}))
  const ping = host.request('driver/ping', {})
  for (const reply of await Promise.all(calls)) {
    const isServed = 'result' in reply || reply.error.code === 1103
    expect(isServed, 'a call was refused with another error', {
      expected: 'a result or overloaded (1103)',
      found: reply,
    })
  }
  succeeded('driver/ping', await ping)
  await host.call('network/list', {})
}
