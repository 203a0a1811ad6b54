// The life of an endpoint before there is a sandbox.
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints } from './listed.ts'
import { expect } from './verdicts.ts'

export const endpointChecks: readonly ActiveCheck[] = [
  {
    id: 'endpoint.created',
    title: 'an endpoint that was created is listed once, with its network',
    level: 'core',
    rules: ['EP-5'],
    sends: 'network/create, endpoint/create, endpoint/list',
    why: 'By the list the host finds what a crash has left behind.',
    mend: 'List every endpoint that you were told of, plugged or not.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const { endpointId } = await kit.createEndpoint(host, network)
      const { endpoints } = await host.call('endpoint/list', {})
      const found = endpoints.filter((endpoint) => endpoint.endpointId === endpointId)
      expect(found.length === 1 && found[0]?.networkId === network.id, 'the list is wrong', {
        expected: [{ networkId: network.id, endpointId }],
        found,
      })
    },
  },
  {
    id: 'endpoint.deleted',
    title: 'an endpoint that was deleted is listed no more',
    level: 'core',
    rules: ['EP-4', 'EP-5'],
    sends: 'network/create, endpoint/create, endpoint/delete, endpoint/list',
    why: 'The host would find it at the next sync and delete it again.',
    mend: 'Forget it when you answer the delete.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const { endpointId } = await kit.createEndpoint(host, network)
      await host.call('endpoint/delete', { networkId: network.id, endpointId })
      expectListed(await listedEndpoints(host), endpointId, { times: 0 })
    },
  },
  {
    id: 'endpoint.repeated',
    title: 'a create that is repeated, ten times over, gives the same answer and makes one endpoint',
    level: 'core',
    rules: ['IDEM-1', 'EP-5'],
    sends: 'the same endpoint/create eleven times, endpoint/list',
    why: 'After a lost answer the host asks again, and must get the same.',
    mend: 'Compare with what is there; answer as you did before.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(await kit.createNetwork(host))
      const first = JSON.stringify(await host.call('endpoint/create', endpoint))
      for (let time = 0; time < 10; time += 1) {
        const again = JSON.stringify(await host.call('endpoint/create', endpoint))
        expect(again === first, 'another answer to the same call', { expected: first, found: again })
      }
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 1 })
    },
  },
  {
    id: 'endpoint.conflict',
    title: 'a create with other content is refused with 1003',
    level: 'core',
    rules: ['IDEM-2'],
    sends: 'endpoint/create twice, the second time with another MAC; then the first again',
    why: 'Two sides that mean different things by one id must find out at once.',
    mend: 'Remember what an endpoint was created with, and answer conflict.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      const other = { ...endpoint, interface: { ...endpoint.interface, macAddress: '02:42:00:00:00:99' } }
      await host.refused('endpoint/create', other, ['conflict'])
      await host.call('endpoint/create', endpoint)
    },
  },
  {
    id: 'endpoint.deleted-again',
    title: 'delete succeeds for an endpoint that is gone, and for one that never was',
    level: 'core',
    rules: ['IDEM-4'],
    sends: 'endpoint/delete three times, then with an endpoint, and with a network, that never was',
    why: 'The host repeats a delete until it is confirmed, also when the network is gone already.',
    mend: 'Answer {} when there is nothing to delete.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const { endpointId } = await kit.createEndpoint(host, network)
      for (let time = 0; time < 3; time += 1)
        await host.call('endpoint/delete', { networkId: network.id, endpointId })
      await host.call('endpoint/delete', { networkId: network.id, endpointId: kit.objects.id() })
      await host.call('endpoint/delete', { networkId: kit.objects.id(), endpointId: kit.objects.id() })
    },
  },
  {
    id: 'endpoint.without-network',
    title: 'a create in a network that the driver was not told of makes it, or is refused with 1007',
    level: 'core',
    rules: ['EP-1'],
    sends: 'endpoint/create in a network that was not created',
    why: 'The network comes along with the call, so a driver that has forgotten it can do either, and nothing else.',
    mend: 'Make the network from the params, or answer failedPrecondition.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(kit.objects.network())
      const reply = await host.request('endpoint/create', endpoint)
      const isRefused = 'error' in reply
      if (isRefused)
        expect(reply.error.code === 1007, 'refused with another error', {
          expected: 'failedPrecondition (1007)',
          found: reply.error,
        })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: isRefused ? 0 : 1 })
    },
  },
  {
    id: 'endpoint.invalid',
    title:
      'params that break the schema are refused with 1001 and the path of the field, and nothing is done',
    level: 'core',
    rules: ['CALL-3'],
    sends: 'endpoint/create with params that break the schema',
    why: 'The one who made the mistake needs to know which field it is.',
    mend: 'Validate params against protocol.schema.json before you act; put each fault into `fields`.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(await kit.createNetwork(host))
      const wrong = { ...endpoint, interface: { ...endpoint.interface, name: 'a/b' } }
      const { data } = await host.refused('endpoint/create', wrong, ['invalidArgument'])
      const fields = Array.isArray(data.fields) ? data.fields : []
      expect(
        fields.some((field) => field?.path === 'interface.name'),
        '`fields` does not name interface.name',
        { found: data },
      )
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 0 })
    },
  },
]
