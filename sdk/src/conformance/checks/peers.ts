// Drivers whose networks span hosts: the directory of endpoints on other hosts, batch by batch. That packets reach them
// is for the tests of a driver: the kit is one host.
import type { Network, Params, Peer } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { syncOnce } from './sync-rounds.ts'
import { expect } from './verdicts.ts'

type Batch = Params<'network/peers'>

export const peerChecks: readonly ActiveCheck[] = [
  {
    id: 'peers.versions',
    title: 'a snapshot and the changes that build on it are answered with their versions',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-3'],
    why: 'By the version the host knows what need not be said again.',
    sends:
      'network/peers three times: a snapshot with one peer, a change of peers, a removal of what is gone',
    mend: 'Remember the version of each batch that you have applied, and answer it.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const [first, second] = twoPeers(kit, network)
      await tell(host, network, { version: 'one', set: [first] })
      await tell(host, network, { base: 'one', version: 'two', remove: [first.endpointId], set: [second] })
      await tell(host, network, { base: 'two', version: 'three', remove: [first.endpointId] })
    },
  },
  {
    id: 'peers.gap',
    title: 'a change that builds on what is not held is refused with 1008 and the version that is held',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-4', 'PEER-7'],
    why: 'A change that was missed would never be made up for.',
    sends:
      'network/peers: a change before any snapshot, a snapshot, a change of another version, one that builds on it',
    mend: 'Compare base with the version that you hold; answer peersGap with details.held.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      await expectGap(host, network, null)
      await tell(host, network, { version: 'one' })
      await expectGap(host, network, 'one')
      await tell(host, network, { base: 'one', version: 'two' })
    },
  },
  {
    id: 'peers.repeated',
    title: 'a change that came already is answered with its version',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-4'],
    why: 'After a lost answer the host asks again, and need not send everything.',
    sends: 'network/peers: a snapshot, and the same change three times',
    mend: 'Answer a batch whose version you hold, before you look at its base.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const [peer] = twoPeers(kit, network)
      await tell(host, network, { version: 'one' })
      for (let time = 0; time < 3; time += 1) {
        await tell(host, network, { base: 'one', version: 'two', set: [peer] })
      }
    },
  },
  {
    id: 'peers.snapshot',
    title:
      'a snapshot is served whatever is held, in one batch or in several, and again when it was broken off',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-6'],
    why: 'It is how the host mends everything else.',
    sends: 'network/peers: a snapshot, the beginning of another, one in two batches, one of nothing',
    mend: 'Begin anew where base is null; let further batches build on it like any other.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const [first, second] = twoPeers(kit, network)
      await tell(host, network, { version: 'one', set: [first, second] })
      await tell(host, network, { version: 'two/1', more: true, set: [second] })
      await tell(host, network, { version: 'three/1', more: true, set: [first] })
      await tell(host, network, { base: 'three/1', version: 'three', set: [second] })
      await tell(host, network, { version: 'three' })
    },
  },
  {
    id: 'peers.forgotten',
    title: 'after a sync, and after a delete of the network, no version is held',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-7'],
    why: 'Another instance may have been told of changes in between.',
    sends: 'network/peers, driver/sync, a change; then a snapshot, network/delete, network/create, a change',
    mend: 'Forget the version when a sync names the network, and with the network.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      await tell(host, network, { version: 'one' })
      await syncOnce(kit, host, { networks: [network] })
      await expectGap(host, network, null)
      await tell(host, network, { version: 'two' })
      await host.call('network/delete', { networkId: network.id })
      await host.call('network/create', { network })
      await expectGap(host, network, null)
    },
  },
  {
    id: 'peers.conflict',
    title: 'a batch that leaves one MAC or address to two peers is refused with 1003, and changes nothing',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-8'],
    why: 'One of the two would be cut off, and nobody would be told.',
    sends:
      'network/peers: a peer, changes that give its MAC and its address to another, one that takes them from it first',
    mend: 'Look at all claims of a batch before you act; what a batch takes from one it may give to another.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const [first, second] = twoPeers(kit, network)
      await tell(host, network, { version: 'one', set: [first] })
      const twins = [
        { ...second, macAddress: first.macAddress },
        { ...second, addresses: first.addresses },
      ]
      for (const twin of twins) {
        const params = batch(network, { base: 'one', version: 'two', set: [twin] })
        await host.refused('network/peers', params, ['conflict'])
      }
      const heir = { ...second, macAddress: first.macAddress, addresses: first.addresses }
      await tell(host, network, { base: 'one', version: 'two', remove: [first.endpointId], set: [heir] })
    },
  },
  {
    id: 'peers.in-order',
    title:
      'batches that are sent without a wait take effect one after the other, behind the create of their network',
    level: 'robust',
    profile: 'peers',
    rules: ['PEER-9'],
    why: 'A host with much to say does not wait for each answer.',
    sends: 'network/create and eight network/peers that build on each other, in one go',
    mend: 'Queue the batches of a network behind each other and behind the calls on the network.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network()
      const batches = Array.from({ length: 8 }, (_, index) =>
        batch(network, { base: index === 0 ? null : `${index - 1}`, version: `${index}` }),
      )
      await Promise.all([
        host.call('network/create', { network }),
        ...batches.map((params) => host.call('network/peers', params)),
      ])
    },
  },
  {
    id: 'peers.no-network',
    title: 'peers of a network that is not there are refused with 1007',
    level: 'core',
    profile: 'peers',
    rules: ['PEER-10'],
    why: 'The host must learn that its network is gone.',
    sends: 'network/peers for a network that was never created',
    mend: 'Answer failedPrecondition where there is no such network.',
    async run(kit) {
      using host = await kit.connect()
      const params = batch(kit.objects.network(), { version: 'one' })
      await host.refused('network/peers', params, ['failedPrecondition'])
    },
  },
]

function batch({ id: networkId }: Network, changes: Partial<Batch>): Batch {
  return { networkId, base: null, version: 'one', more: false, remove: [], set: [], ...changes }
}

/** Sends a batch that must be applied. */
async function tell(host: KitHost, network: Network, changes: Partial<Batch>): Promise<void> {
  const params = batch(network, changes)
  const { version } = await host.call('network/peers', params)
  expect(version === params.version, 'another version is answered than the batch has', {
    expected: params.version,
    found: version,
  })
}

async function expectGap(host: KitHost, network: Network, held: string | null): Promise<void> {
  const params = batch(network, { base: 'never', version: 'later' })
  const { data } = await host.refused('network/peers', params, ['peersGap'])
  const details: { held?: unknown } = Object(data.details)
  expect(details.held === held, '`details.held` is not the version that is held', {
    expected: held,
    found: data,
  })
}

/** Endpoints on a host that there is not (RFC 5737). */
function twoPeers(kit: CheckContext, { subnets }: Network): [Peer, Peer] {
  const base = subnets[0]?.subnet.replace(/\d+\/\d+$/, '') ?? '198.18.0.'
  const peer = (part: number): Peer => ({
    endpointId: kit.objects.id(),
    macAddress: `02:42:${(kit.random.hex(8).match(/../g) ?? []).join(':')}`,
    addresses: [`${base}${part}`],
    tunnelAddress: '192.0.2.2',
  })
  return [peer(200), peer(201)]
}
