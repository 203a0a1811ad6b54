// The life of a network: made, repeated, listed, refused, deleted.
import type { CheckContext } from '../context/check-context.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedNetworks } from './listed.ts'
import { expect } from './verdicts.ts'

/** No documentation, test or private range that objects of the kit use: 192.0.2.0/24 (RFC 5737). */
const otherSubnet = { subnet: '192.0.2.0/24', gateway: '192.0.2.1' }

export const networkChecks: readonly ActiveCheck[] = [
  {
    id: 'network.created',
    title: 'a network that was created is listed once',
    level: 'core',
    rules: ['NET-1', 'NET-6'],
    sends: 'network/create, network/list',
    why: 'By the list the host finds what a crash has left behind.',
    mend: 'List each network once, from the kernel, or from records that outlive the process.',
    async run(kit) {
      using host = await kit.connect()
      const { id } = await kit.createNetwork(host)
      expectListed(await listedNetworks(host), id, { times: 1 })
    },
  },
  {
    id: 'network.deleted',
    title: 'a network that was deleted is listed no more',
    level: 'core',
    rules: ['NET-5', 'NET-6'],
    sends: 'network/create, network/delete, network/list',
    why: 'What is still there is a leak, and its subnet cannot be used again.',
    mend: 'Answer when the network is gone, and take it off the list.',
    async run(kit) {
      using host = await kit.connect()
      const { id: networkId } = await kit.createNetwork(host)
      await host.call('network/delete', { networkId })
      expectListed(await listedNetworks(host), networkId, { times: 0 })
    },
  },
  {
    id: 'network.repeated',
    title: 'a create that is repeated, ten times over, succeeds and makes one network',
    level: 'core',
    rules: ['IDEM-1', 'NET-6'],
    sends: 'the same network/create eleven times, network/list',
    why: 'After a lost answer the host asks again, and must not be refused.',
    mend: 'Compare with what is there; answer {} when it is the same.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      for (let time = 0; time < 10; time += 1) await host.call('network/create', { network })
      expectListed(await listedNetworks(host), network.id, { times: 1 })
    },
  },
  {
    id: 'network.names-may-change',
    title: 'a create with other names and labels is the same network',
    level: 'core',
    rules: ['IDEM-1'],
    sends: 'network/create twice, the second time with another name and label',
    why: 'They are for people; the host changes them without asking a driver.',
    mend: 'Compare internal, subnets and config, and nothing else.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const renamed = { ...network, name: `${network.name}-b`, labels: { kit: 'other' } }
      await host.call('network/create', { network: renamed })
    },
  },
  {
    id: 'network.conflict',
    title: 'a create with other content is refused with 1003',
    level: 'core',
    rules: ['IDEM-2'],
    sends: 'network/create twice, the second time with another subnet; then the first again',
    why: 'Two sides that mean different things by one id must find out at once.',
    mend: 'Remember what a network was created with, and answer conflict.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const other = { ...network, subnets: [otherSubnet] }
      await host.refused('network/create', { network: other }, ['conflict'])
      // Nothing has changed: the first content is still the one.
      await host.call('network/create', { network })
    },
  },
  {
    id: 'network.deleted-again',
    title: 'delete succeeds for a network that is gone, and for one that never was',
    level: 'core',
    rules: ['IDEM-4'],
    sends: 'network/create, network/delete three times, and once with an id that never was',
    why: 'The host repeats a delete until it is confirmed; a refusal would keep it at it for ever.',
    mend: 'Answer {} when there is nothing to delete.',
    async run(kit) {
      using host = await kit.connect()
      const { id: networkId } = await kit.createNetwork(host)
      for (let time = 0; time < 3; time += 1) await host.call('network/delete', { networkId })
      await host.call('network/delete', { networkId: kit.objects.id() })
    },
  },
  {
    id: 'network.in-use',
    title: 'a network with endpoints is not deleted, but refused with 1004',
    level: 'core',
    rules: ['NET-4'],
    sends: 'network/create, endpoint/create, network/delete; then the endpoint is deleted first',
    why: 'The endpoints would hang in the air.',
    mend: 'Answer inUse while there is an endpoint that you were told of.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const { endpointId } = await kit.createEndpoint(host, network)
      await host.refused('network/delete', { networkId: network.id }, ['inUse'])
      await host.call('endpoint/delete', { networkId: network.id, endpointId })
      await host.call('network/delete', { networkId: network.id })
    },
  },
  {
    id: 'network.remade',
    title: 'an id that was deleted can be created anew, with other content',
    level: 'core',
    rules: ['IDEM-3', 'NET-1'],
    sends: 'network/create, network/delete, and network/create of that id with another subnet',
    why: 'What the driver remembers of a network must go with it.',
    mend: 'Forget the content when you answer the delete.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      await host.call('network/delete', { networkId: network.id })
      await host.call('network/create', { network: { ...network, subnets: [otherSubnet] } })
    },
  },
  {
    id: 'network.invalid',
    title:
      'params that break the schema are refused with 1001 and the path of the field, and nothing is done',
    level: 'core',
    rules: ['CALL-3', 'ERR-3'],
    sends:
      'network/create without a network, without subnets, with internal: "no", with a number for a subnet',
    why: 'The one who made the mistake needs to know which field it is.',
    mend: 'Validate params against protocol.schema.json before you act; put each fault into `fields`.',
    run: refusesInvalidNetworks,
  },
  {
    id: 'network.bad-config',
    title: 'a create that is refused for its config leaves no network behind',
    level: 'core',
    profile: 'configSchema',
    rules: ['IDEM-5', 'NET-3'],
    sends:
      'network/create with a config that has the member "kit-no-such-member"; network/list if that was refused',
    why: 'A user mends the config and tries again; half a network would be in the way.',
    mend: 'Look at the whole config before you make anything.',
    async run(kit) {
      using host = await kit.connect()
      const network = kit.objects.network({ config: { 'kit-no-such-member': [1, 2, 3] } })
      const reply = await host.request('network/create', { network })
      if ('error' in reply) expectListed(await listedNetworks(host), network.id, { times: 0 })
    },
  },
]

async function refusesInvalidNetworks(kit: CheckContext): Promise<void> {
  using host = await kit.connect()
  const network = kit.objects.network()
  const { subnets: _left, ...withoutSubnets } = network
  const wrong = [
    { params: {}, path: 'network' },
    { params: { network: withoutSubnets }, path: 'network.subnets' },
    { params: { network: { ...network, internal: 'no' } }, path: 'network.internal' },
    { params: { network: { ...network, subnets: [{ subnet: 7 }] } }, path: 'network.subnets[0].subnet' },
  ]
  for (const { params, path } of wrong) {
    const { data } = await host.refused('network/create', params, ['invalidArgument'])
    const fields = Array.isArray(data.fields) ? data.fields : []
    expect(
      fields.some((field) => field?.path === path),
      `\`fields\` does not name ${path}`,
      { found: data },
    )
    expect(data.operationState === 'not-started', 'the error does not say that nothing was done', {
      expected: 'not-started',
      found: data.operationState,
    })
  }
  expectListed(await listedNetworks(host), network.id, { times: 0 })
}
