import { endpointView } from '@conet/host/api/views/endpoint'
import { expect, it } from 'vitest'
import { endpoint, network } from './api-fixture.ts'

it('an endpoint shows a default route where its driver says that there is one, and before the plug what is planned', () => {
  const inventory = {
    ...{ networks: new Map([[network.id, network]]), containers: new Map(), sandboxes: new Map() },
    ...{ endpoints: new Map(), endpointsOfNetwork: () => [], endpointsOfContainer: () => [] },
    ...{ resolutionOf: () => ({ files: { hosts: '' } }) },
  }
  const shown = (destinations?: string[]) => {
    const { name, macAddress, addresses } = endpoint.interface
    const routes = (destinations ?? []).map((destination) => ({ destination }))
    const made = { configuredBy: 'driver' as const, name, macAddress, addresses, routes }
    const result = destinations === undefined ? {} : { result: { interfaces: [made] } }
    return endpointView({ ...endpoint, ...result }, inventory).interfaces[0]?.default_route
  }
  expect([shown(), shown([]), shown(['10.9.0.0/16']), shown(['::/0'])]).toEqual([true, false, false, true])
})
