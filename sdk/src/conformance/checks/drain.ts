// A driver whose successor is there: it takes nothing new, serves what ends things, and can be taken back.
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints, listedNetworks } from './listed.ts'
import { syncOnce } from './sync-rounds.ts'
import { expect } from './verdicts.ts'

export const drainChecks: readonly ActiveCheck[] = [
  {
    id: 'drain.refuses',
    title: 'after a drain creates, plugs and policies are refused with 1105',
    level: 'upgradable',
    profile: 'drain',
    rules: ['DRAIN-2'],
    sends:
      'driver/drain, then network/create, endpoint/create, endpoint/plug and, where it is offered, endpoint/policy; a sync ends it',
    why: 'What the old instance makes now the new one does not know.',
    mend: 'Set a flag when the drain arrives; answer draining.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      await host.call('driver/drain', {})
      await host.refused('network/create', { network: kit.objects.network() }, ['draining'])
      await host.refused('endpoint/create', kit.objects.endpoint(network), ['draining'])
      const sandbox = { id: 'none', path: '/nonexistent/conet-kit' }
      await host.refused('endpoint/plug', { ...endpoint, sandbox }, ['draining'])
      if (kit.introduction.capabilities.methods.includes('endpoint/policy'))
        await host.refused('endpoint/policy', { ...endpoint, policy: {} }, ['draining'])
      await syncOnce(kit, host, { networks: [network], endpoints: [endpoint] })
    },
  },
  {
    id: 'drain.serves',
    title: 'after a drain deletes, lists and pings are served',
    level: 'upgradable',
    profile: 'drain',
    rules: ['DRAIN-2', 'DRAIN-3', 'HLTH-1'],
    sends: 'driver/drain, then both lists, a ping, unplug and both deletes; a sync ends it',
    why: 'Containers end at any time, and the host wants to know that the driver lives.',
    mend: 'Refuse creates and plugs only.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const { endpointId } = await kit.createEndpoint(host, network)
      await host.call('driver/drain', {})
      expectListed(await listedNetworks(host), network.id, { times: 1 })
      expectListed(await listedEndpoints(host), endpointId, { times: 1 })
      await host.call('driver/ping', {})
      await host.call('endpoint/unplug', { networkId: network.id, endpointId })
      await host.call('endpoint/delete', { networkId: network.id, endpointId })
      await host.call('network/delete', { networkId: network.id })
      await syncOnce(kit, host, {})
    },
  },
  {
    id: 'drain.waits',
    title: 'a drain is answered after the calls before it',
    level: 'upgradable',
    profile: 'drain',
    rules: ['DRAIN-1'],
    sends: 'twenty network/create and driver/drain without waiting; a sync ends it',
    why: 'The host takes the answer for the end of all work.',
    mend: 'Wait for what is under way, then answer.',
    async run(kit) {
      using host = await kit.connect()
      const answered: string[] = []
      const noted = (what: string, reply: Promise<unknown>) => reply.then(() => answered.push(what))
      const creates = Array.from({ length: 20 }, () =>
        noted('create', host.call('network/create', { network: kit.objects.network() })),
      )
      await Promise.all([...creates, noted('drain', host.call('driver/drain', {}))])
      const place = answered.indexOf('drain')
      await syncOnce(kit, host, {})
      expectLast(place, answered.length)
    },
  },
  {
    id: 'drain.ended-by-sync',
    title: 'a drain may be repeated, and a sync on another connection takes the driver back',
    level: 'upgradable',
    profile: 'drain',
    rules: ['DRAIN-4'],
    sends: 'driver/drain twice, a sync on another connection, network/create',
    why: 'The successor may fail; then the host goes on with the one that it had.',
    mend: 'Clear the flag when a sync begins.',
    async run(kit) {
      using host = await kit.connect()
      await host.call('driver/drain', {})
      await host.call('driver/drain', {})
      using other = await kit.connect()
      await syncOnce(kit, other, {})
      await kit.createNetwork(host)
    },
  },
]

function expectLast(place: number, length: number): void {
  expect(place === length - 1, 'calls from before the drain were answered after it', {
    expected: `${length - 1} answers before it`,
    found: `${place}`,
  })
}
