// Drivers with a sandbox of their own: all endpoints of one sandbox are behind one interface of it.
import type { CreateEndpointParams, Sandbox } from '../../protocol/index.ts'
import { pictureOf } from '../kernel/picture.ts'
import { plugged, plugIn, unplug } from '../kernel/plugged.ts'
import type { ActiveCheck } from './check.ts'
import { expect } from './verdicts.ts'

export const kernelSharedChecks: readonly ActiveCheck[] = [
  {
    id: 'kernel.shared-interface',
    title: 'the endpoints of one sandbox share its interface, which goes with the last of them',
    level: 'core',
    profile: 'privateSandbox',
    needs: ['root'],
    rules: ['PRIV-1', 'PRIV-2'],
    sends:
      'endpoint/plug of two endpoints of two networks into one sandbox with one name; endpoint/unplug of the first, and of the second',
    why: 'The host gives them one name, and tells users of each by what was answered to its plug.',
    mend: 'Make the interface with the first plug, add what each endpoint has, and count who is left at each unplug.',
    async run(kit) {
      using host = await kit.connect()
      const first = await plugged(kit, host)
      const { sandbox } = first
      const network = await kit.createNetwork(host)
      const plain = kit.objects.endpoint(network)
      const endpoint = await kit.createEndpoint(host, network, {
        ...plain,
        interface: { ...plain.interface, defaultRoute: false },
      })
      const second = { network, endpoint, sandbox, result: await plugIn(kit, host, endpoint, sandbox) }
      expectInterfaces(sandbox, 1)
      expectAddresses(sandbox, first.endpoint, true)
      expectAddresses(sandbox, endpoint, true)
      await unplug(host, first)
      expectAddresses(sandbox, first.endpoint, false)
      expectNoDefaultRoute(sandbox)
      expectAddresses(sandbox, endpoint, true)
      await unplug(host, second)
      expectInterfaces(sandbox, 0)
    },
  },
]

function expectInterfaces({ path }: Sandbox, count: number): void {
  const found = pictureOf(path).links.flatMap(({ name }) => (name === 'lo' ? [] : [name]))
  expect(found.length === count, `the sandbox has ${found.length} interfaces beside its loopback`, {
    expected: count,
    found,
  })
}

/** Of the one that held it. */
function expectNoDefaultRoute({ path }: Sandbox): void {
  const found = pictureOf(path).routes.filter(
    ({ destination, gateway }) => /^(0\.0\.0\.0|::)\/0$/.test(destination) && gateway !== undefined,
  )
  expect(found.length === 0, 'the default route of an endpoint that was unplugged is still there', {
    expected: [],
    found,
  })
}

function expectAddresses({ path }: Sandbox, endpoint: CreateEndpointParams, isThere: boolean): void {
  const { name, addresses } = endpoint.interface
  const found = pictureOf(path).addresses
  const isRight = addresses.every((address) => found.includes(`${name} ${address}`) === isThere)
  const problem = isThere ? 'lacks the addresses of an endpoint' : 'has addresses of one that was unplugged'
  expect(isRight, `interface ${name} ${problem}`, { expected: addresses, found })
}
