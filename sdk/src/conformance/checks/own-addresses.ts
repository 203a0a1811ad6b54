// Drivers that hand out addresses themselves.
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expect } from './verdicts.ts'

export const ownAddressChecks: readonly ActiveCheck[] = [
  {
    id: 'addresses.answered',
    title: 'each endpoint gets addresses with prefixes, and no two endpoints the same',
    level: 'core',
    profile: 'ownIpam',
    rules: ['EP-2'],
    sends: 'endpoint/create ten times without addresses',
    why: 'The host hands them on, and has no others.',
    mend: 'Answer endpoint/create with `addresses`.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const all: string[] = []
      for (let time = 0; time < 10; time += 1) all.push(...(await addressesOf(kit, host, network)))
      expect(new Set(all).size === all.length, 'an address was handed out twice', { found: all })
    },
  },
  {
    id: 'addresses.requested',
    title: 'an address that the user asks for is given, and refused with 1601 to the next',
    level: 'core',
    profile: 'ownIpam',
    rules: ['EP-2'],
    sends: 'endpoint/create, then another that asks for the same address',
    why: 'Two containers with one address reach nobody.',
    mend: 'Look the address up before you hand it out; answer addressInUse.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const [taken = ''] = await addressesOf(kit, host, network)
      const requestedAddresses = [taken.split('/')[0] ?? '']
      const second = kit.objects.endpoint(network, { requestedAddresses })
      await host.refused('endpoint/create', second, ['addressInUse'])
    },
  },
  {
    id: 'addresses.freed',
    title: 'the address of an endpoint that was deleted can be asked for again',
    level: 'core',
    profile: 'ownIpam',
    rules: ['EP-2', 'EP-4'],
    sends: 'endpoint/create, endpoint/delete, then another that asks for the address',
    why: 'Else the pool runs dry.',
    mend: 'Free it in endpoint/delete.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      const { addresses } = endpoint.interface
      await host.call('endpoint/delete', { networkId: network.id, endpointId: endpoint.endpointId })
      const requestedAddresses = addresses.map((address) => address.split('/')[0] ?? '')
      const again = await kit.createEndpoint(host, network, { requestedAddresses })
      const isSame = JSON.stringify(again.interface.addresses) === JSON.stringify(addresses)
      expect(isSame, 'other addresses were given', { expected: addresses, found: again.interface.addresses })
    },
  },
]

async function addressesOf(
  kit: CheckContext,
  host: KitHost,
  network: Parameters<CheckContext['createEndpoint']>[1],
): Promise<string[]> {
  const { addresses = [] } = await host.call('endpoint/create', kit.objects.endpoint(network))
  expect(addresses.length > 0, 'the answer has no addresses')
  return addresses
}
