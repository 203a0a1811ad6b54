// Policies and counters of endpoints. What a policy says only its driver knows: the kit sends the empty document, and looks
// whether the driver takes it as the protocol has it. Traffic is for the tests of a driver.
import { isDeepStrictEqual } from 'node:util'
import type { EndpointStats, PlugResult } from '../../protocol/index.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints } from './listed.ts'
import { expect } from './verdicts.ts'

export const policyChecks: readonly ActiveCheck[] = [
  {
    id: 'policy.repeated',
    title: 'a policy is taken before the plug and after it, again, and none after one',
    level: 'core',
    profile: 'policy',
    needs: ['root'],
    rules: ['POL-6', 'POL-7'],
    why: 'Clients change policies at any time, and the host asks again after a lost answer.',
    sends:
      'endpoint/create, endpoint/policy twice; endpoint/plug, endpoint/policy twice, and once without policy',
    mend: 'Put in force what comes, whatever was before; for an endpoint that is not plugged answer {}.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      for (let time = 0; time < 2; time += 1) await host.call('endpoint/policy', { ...endpoint, policy: {} })
      const sandbox = kit.sandbox()
      await kit.plug(host, { ...endpoint, policy: {} }, sandbox)
      for (let time = 0; time < 2; time += 1)
        await host.call('endpoint/policy', { ...endpoint, sandbox, policy: {} })
      await host.call('endpoint/policy', { ...endpoint, sandbox })
    },
  },
  {
    id: 'policy.no-content',
    title: 'a create and a plug with another policy than before succeed, with the same answer',
    level: 'core',
    profile: 'policy',
    needs: ['root'],
    rules: ['POL-2'],
    why: 'The host tells the policy along with everything else, and it may have changed.',
    sends: 'endpoint/create and endpoint/plug without a policy, with one, and without one again',
    mend: 'Leave policy and portMappings out when you compare an endpoint with what it was.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      const sandbox = kit.sandbox()
      const first = await kit.plug(host, endpoint, sandbox)
      for (const policy of [{ policy: {} }, {}]) {
        await host.call('endpoint/create', { ...endpoint, ...policy })
        expectSame(await kit.plug(host, { ...endpoint, ...policy }, sandbox), first)
      }
    },
  },
  {
    id: 'policy.no-endpoint',
    title: 'a policy makes no endpoint',
    level: 'core',
    profile: 'policy',
    rules: ['POL-8'],
    why: 'The host would not know of it, and nobody would end it.',
    sends: 'endpoint/policy for an endpoint that was never created, endpoint/list',
    mend: 'Answer {} or notFound where there is no such endpoint.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(await kit.createNetwork(host))
      const reply = await host.request('endpoint/policy', { ...endpoint, policy: {} })
      const isFine = 'result' in reply || reply.error.data.name === 'notFound'
      expect(isFine, 'it is refused with another error', { expected: '{} or notFound', found: reply })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 0 })
    },
  },
  {
    id: 'policy.other-content',
    title: 'a policy that comes with other content of its endpoint is refused with 1003',
    level: 'core',
    profile: 'policy',
    rules: ['POL-8'],
    why: 'Two sides that mean different things by one id must find out at once.',
    sends: 'endpoint/create, and endpoint/policy with another MAC',
    mend: 'Compare with what the endpoint was created with; answer conflict.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      const other = { ...endpoint, interface: { ...endpoint.interface, macAddress: '02:42:00:00:00:99' } }
      await host.refused('endpoint/policy', { ...other, policy: {} }, ['conflict'])
      await host.call('endpoint/policy', { ...endpoint, policy: {} })
    },
  },
  {
    id: 'policy.ports',
    title: 'a driver with ports offers endpoint/policy',
    level: 'core',
    profile: 'ports',
    rules: ['PORT-1'],
    why: 'The host tells the ports along with the policy, and only to those who take one.',
    sends: 'nothing: it reads the introduction',
    mend: 'Implement endpoint/policy, or leave ports out.',
    async run({ introduction: { capabilities } }) {
      const hasPolicy = capabilities.methods.includes('endpoint/policy')
      expect(hasPolicy, 'endpoint/policy is missing', { found: capabilities.methods })
    },
  },
  {
    id: 'policy.looked-at',
    title: 'a policy is looked at without a network and an endpoint',
    level: 'core',
    profile: 'policyCheck',
    rules: ['POL-12'],
    why: 'Users write policies long before a container comes up, and want to hear of mistakes at once.',
    sends: 'policy/check with the empty document, with no network made',
    mend: 'Judge the document alone; what depends on the endpoint is for endpoint/policy and endpoint/plug to refuse.',
    async run(kit) {
      using host = await kit.connect()
      await host.call('policy/check', { policy: {} })
    },
  },
  {
    id: 'policy.counted',
    title: 'counters are those of the endpoints that were asked for and are plugged, each once',
    level: 'core',
    profile: 'stats',
    needs: ['root'],
    rules: ['STAT-1'],
    why: 'The host shows them by the names of containers’ networks.',
    sends:
      'endpoint/stats for an endpoint that is plugged, one that is created and one that never was; another is plugged',
    mend: 'Leave out what is not plugged or not known; answer for nobody else.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const [plugged, other] = [
        await kit.createEndpoint(host, network),
        await kit.createEndpoint(host, network),
      ]
      await kit.plug(host, plugged, kit.sandbox())
      await kit.plug(host, other, kit.sandbox())
      const created = await kit.createEndpoint(host, network)
      const asked = [plugged.endpointId, created.endpointId, kit.objects.id()]
      const stats = await statsOf(host, network.id, asked)
      const found = stats.map(({ endpointId }) => endpointId)
      expect(isDeepStrictEqual(found, [plugged.endpointId]), 'the answer is about other endpoints', {
        expected: [plugged.endpointId],
        found,
      })
    },
  },
  {
    id: 'policy.counters-rise',
    title: 'counters do not fall while the endpoint stays plugged',
    level: 'core',
    profile: 'stats',
    needs: ['root'],
    rules: ['STAT-2'],
    why: 'Who watches them takes the difference.',
    sends: 'endpoint/plug, endpoint/stats three times, with the same plug in between',
    mend: 'Count from the plug on; a plug that is repeated begins nothing anew.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      const sandbox = kit.sandbox()
      let before: EndpointStats | undefined
      for (let time = 0; time < 3; time += 1) {
        await kit.plug(host, endpoint, sandbox)
        const [now] = await statsOf(host, network.id, [endpoint.endpointId])
        expect(now !== undefined, 'the endpoint is missing', { expected: endpoint.endpointId })
        if (before !== undefined && now !== undefined) expectNoLess(now, before)
        before = now
      }
    },
  },
]

async function statsOf(
  host: KitHost,
  networkId: string,
  endpointIds: readonly string[],
): Promise<EndpointStats[]> {
  const endpoints = endpointIds.map((endpointId) => ({ networkId, endpointId }))
  return (await host.call('endpoint/stats', { endpoints })).stats
}

function expectNoLess(now: EndpointStats, before: EndpointStats): void {
  const counters = ['rxBytes', 'txBytes', 'rxPackets', 'txPackets'] as const
  const fallen = counters.filter((counter) => now[counter] < before[counter])
  expect(fallen.length === 0, `${fallen.join(', ')} fell`, { expected: before, found: now })
}

function expectSame(now: PlugResult, first: PlugResult): void {
  expect(isDeepStrictEqual(now, first), 'the plug is answered otherwise', { expected: first, found: now })
}
