// What the host says should be, page by page; what the driver makes of it, and what it has beyond.
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints, listedNetworks } from './listed.ts'
import { expectQuiet, isUnknown, syncOnce, syncPage, syncPages } from './sync-rounds.ts'
import { expect } from './verdicts.ts'

export const syncChecks: readonly ActiveCheck[] = [
  {
    id: 'sync.empty',
    title: 'a sync of nothing is answered, and deletes nothing',
    level: 'core',
    rules: ['SYNC-6'],
    sends: 'network/create, a sync of one empty page, network/list',
    why: 'Only the host knows whether what is unknown here is wanted elsewhere.',
    mend: 'Name what no page has named in `unknown`, and leave it.',
    async run(kit) {
      using host = await kit.connect()
      const { id } = await kit.createNetwork(host)
      const result = await syncOnce(kit, host, {})
      expect(isUnknown(result, id), 'the network is not named as unknown', { found: result.unknown })
      expectListed(await listedNetworks(host), id, { times: 1 })
    },
  },
  {
    id: 'sync.makes',
    title: 'networks and endpoints of a page are there when it is answered',
    level: 'core',
    rules: ['SYNC-2', 'NET-6', 'EP-5'],
    sends: 'a sync with a new network and endpoint, both lists',
    why: 'After a reboot a sync is all that a driver gets to hear.',
    mend: 'Do for each object what create does.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      const endpoint = kit.objects.endpoint(network)
      const { failed } = await syncOnce(kit, host, { networks: [network], endpoints: [endpoint] })
      expect(failed.length === 0, 'something failed', { found: failed })
      expectListed(await listedNetworks(host), network.id, { times: 1 })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 1 })
    },
  },
  {
    id: 'sync.known',
    title: 'what a page names is not unknown',
    level: 'core',
    rules: ['SYNC-6'],
    sends: 'network/create, a sync that names it and a new endpoint',
    why: 'The host would delete it.',
    mend: 'Take the ids of the pages off the list of what there is.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = kit.objects.endpoint(network)
      const result = await syncOnce(kit, host, { networks: [network], endpoints: [endpoint] })
      for (const id of [network.id, endpoint.endpointId])
        expect(!isUnknown(result, id), 'what was named is unknown', { found: result.unknown })
    },
  },
  {
    id: 'sync.quiet',
    title: 'a second sync of the same reports nothing',
    level: 'core',
    rules: ['SYNC-7'],
    sends: 'the same sync twice',
    why: 'By it operators see that nothing differs any more; a driver that always repairs hides what breaks.',
    mend: 'Report only what you have changed.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      const page = { networks: [network], endpoints: [kit.objects.endpoint(network)] }
      await syncOnce(kit, host, page)
      expectQuiet(await syncOnce(kit, host, page), 'the second sync')
    },
  },
  {
    id: 'sync.pages',
    title: 'only the last page names what is unknown, and what any page has named is not',
    level: 'core',
    rules: ['SYNC-6'],
    sends: 'three networks, then a sync of three pages that name two of them',
    why: 'A large machine needs many pages; what comes on the next one is not unknown.',
    mend: 'Collect the ids of all pages of one syncId; compare on the last.',
    async run(kit) {
      using host = await kit.connect()
      const first = await kit.createNetwork(host)
      const second = await kit.createNetwork(host)
      const stranger = await kit.createNetwork(host)
      const pages = [{ networks: [first] }, {}, { networks: [second] }]
      const [one, two, last] = await syncPages(kit, host, pages)
      for (const { unknown } of [one, two].filter((result) => result !== undefined))
        expect(unknown.networkIds.length === 0, 'a page before the last names unknown ones', {
          found: unknown,
        })
      const networkIds = last?.unknown.networkIds ?? []
      const isRight =
        networkIds.includes(stranger.id) && !networkIds.includes(first.id) && !networkIds.includes(second.id)
      expect(isRight, 'the last page is wrong', { expected: [stranger.id], found: networkIds })
    },
  },
  {
    id: 'sync.between-pages',
    title: 'what is created between two pages is not unknown',
    level: 'core',
    rules: ['SYNC-6'],
    sends: 'the first page of a sync, network/create, the last page',
    why: 'The host would delete what it has just asked for.',
    mend: 'Count every call since the first page as named.',
    async run(kit) {
      using host = await kit.connect()
      const syncId = kit.random.hex(16)
      await syncPage(host, { syncId, more: true, page: {} })
      const { id } = await kit.createNetwork(host)
      const result = await syncPage(host, { syncId, more: false, page: {} })
      expect(!isUnknown(result, id), 'what was created in between is unknown', { found: result.unknown })
    },
  },
  {
    id: 'sync.anew',
    title: 'a page of another sync drops the one before',
    level: 'core',
    rules: ['SYNC-8'],
    sends: 'the first page of a sync that names a network, then another sync that names nothing',
    why: 'The host begins anew when it has lost an answer; what it named before may be wanted no more.',
    mend: 'Forget the ids that were collected when the syncId changes.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const syncId = kit.random.hex(16)
      await syncPage(host, { syncId, more: true, page: { networks: [network] } })
      const result = await syncOnce(kit, host, {})
      expect(isUnknown(result, network.id), 'the ids of the dropped sync count', { found: result.unknown })
    },
  },
  {
    id: 'sync.has-the-last-word',
    title: 'a sync with other content under a known id makes it so, and later calls are held against it',
    level: 'core',
    rules: ['IDEM-3', 'SYNC-2'],
    sends:
      'network/create, a sync that has another subnet for it, network/create with the new and the old subnet',
    why: 'The record of the host is the truth; a driver that insists on its own cannot be repaired.',
    mend: 'Take the content of a page for what the object was created with.',
    async run(kit) {
      using host = await kit.connect()
      const old = await kit.createNetwork(host)
      const { subnets } = kit.objects.network()
      const current = { ...old, subnets }
      const { failed } = await syncOnce(kit, host, { networks: [current] })
      expect(failed.length === 0, 'the network failed', { found: failed })
      await host.call('network/create', { network: current })
      await host.refused('network/create', { network: old }, ['conflict'])
    },
  },
  {
    id: 'sync.many',
    title: 'forty networks and their hundred and sixty endpoints are synced, in two pages',
    level: 'robust',
    rules: ['SYNC-2', 'SYNC-6', 'SYNC-7'],
    sends: 'a sync of 40 networks and 160 endpoints in two pages, twice; endpoint/list',
    limitMs: 60_000,
    why: 'The first connect after a reboot is the largest message that a driver ever gets.',
    mend: 'Work on several objects at once; look for a list that is searched for each object.',
    async run(kit) {
      using host = await kit.connect()
      const half = () => {
        const networks = Array.from({ length: 20 }, () => kit.objects.network())
        const endpoints = networks.flatMap((network) =>
          Array.from({ length: 4 }, () => kit.objects.endpoint(network)),
        )
        return { networks, endpoints }
      }
      const pages = [half(), half()]
      await syncPages(kit, host, pages)
      for (const result of await syncPages(kit, host, pages)) expectQuiet(result, 'the second sync')
      const listed = new Set(await listedEndpoints(host))
      const missing = pages
        .flatMap(({ endpoints }) => endpoints)
        .filter(({ endpointId }) => !listed.has(endpointId))
      expect(missing.length === 0, 'endpoints are missing', { found: `${missing.length}` })
    },
  },
]
