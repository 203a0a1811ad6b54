// The way out of a sandbox, which may be gone before.
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints } from './listed.ts'

export const unplugChecks: readonly ActiveCheck[] = [
  {
    id: 'unplug.nothing',
    title: 'an unplug of what is not plugged, or was never known, succeeds',
    level: 'core',
    rules: ['IDEM-4'],
    sends:
      'endpoint/unplug of an endpoint that is not plugged, with and without a sandbox, and of one that never was',
    why: 'The host repeats it until it is confirmed.',
    mend: 'Answer {} when there is nothing to unplug: no sandbox in the call, or one whose path leads nowhere (invalidSandbox of the SDK’s openSandbox).',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const { endpointId } = await kit.createEndpoint(host, network)
      const ids = { networkId: network.id, endpointId }
      await host.call('endpoint/unplug', ids)
      await host.call('endpoint/unplug', { ...ids, sandbox: { id: 'gone', path: '/nonexistent/conet-kit' } })
      await host.call('endpoint/unplug', { networkId: kit.objects.id(), endpointId: kit.objects.id() })
    },
  },
  {
    id: 'unplug.still-created',
    title: 'after an unplug, and a second one, the endpoint is still created and can be plugged again',
    level: 'core',
    needs: ['root'],
    rules: ['PLUG-6', 'IDEM-4'],
    sends: 'plug, unplug, unplug, endpoint/list, and a plug into another sandbox',
    why: 'A container that restarts keeps its endpoints’ addresses.',
    mend: 'Take the interface away, and keep what endpoint/create has reserved.',
    async run(kit) {
      using host = await kit.connect()
      const { plugged, ids } = await pluggedEndpoint(kit, host)
      await host.call('endpoint/unplug', { ...ids, sandbox: plugged.sandbox })
      await host.call('endpoint/unplug', { ...ids, sandbox: plugged.sandbox })
      expectListed(await listedEndpoints(host), ids.endpointId, { times: 1 })
      await kit.plug(host, plugged, kit.sandbox())
    },
  },
  {
    id: 'unplug.without-sandbox',
    title: 'an unplug that does not name the sandbox unplugs all the same',
    level: 'core',
    needs: ['root'],
    rules: ['IDEM-4', 'PLUG-6'],
    sends: 'plug, unplug with ids alone, and a plug into another sandbox',
    why: 'A host that has lost its records knows no more than ids.',
    mend: 'Find the interface by the endpoint’s id.',
    async run(kit) {
      using host = await kit.connect()
      const { plugged, ids } = await pluggedEndpoint(kit, host)
      await host.call('endpoint/unplug', ids)
      await kit.plug(host, plugged, kit.sandbox())
    },
  },
  {
    id: 'unplug.sandbox-gone',
    title: 'an unplug and a delete succeed when the sandbox has gone with everything in it',
    level: 'core',
    needs: ['root'],
    rules: ['IDEM-4', 'PLUG-6', 'EP-4'],
    sends: 'plug; it deletes the namespace; unplug, delete, endpoint/list',
    why: 'Containers die before anybody unplugs them.',
    mend: 'Take what is gone for done; openSandbox of the SDK calls a sandbox that is gone invalidSandbox.',
    async run(kit) {
      using host = await kit.connect()
      const { plugged, ids } = await pluggedEndpoint(kit, host)
      kit.deleteSandbox(plugged.sandbox)
      await host.call('endpoint/unplug', { ...ids, sandbox: plugged.sandbox })
      await host.call('endpoint/delete', ids)
      expectListed(await listedEndpoints(host), ids.endpointId, { times: 0 })
    },
  },
  {
    id: 'unplug.by-delete',
    title: 'a delete of an endpoint that is plugged unplugs it first',
    level: 'core',
    needs: ['root'],
    rules: ['EP-4'],
    sends: 'plug, endpoint/delete, endpoint/list, and a plug of another endpoint under the same name',
    why: 'A host that repairs does not know whether an unplug went through.',
    mend: 'Unplug in delete.',
    async run(kit) {
      using host = await kit.connect()
      const { plugged, ids } = await pluggedEndpoint(kit, host)
      await host.call('endpoint/delete', ids)
      expectListed(await listedEndpoints(host), ids.endpointId, { times: 0 })
      // Its name in the sandbox is free: another endpoint may take it.
      await kit.plug(host, await kit.createEndpoint(host, plugged.network), plugged.sandbox)
    },
  },
]

async function pluggedEndpoint(kit: CheckContext, host: KitHost) {
  const network = await kit.createNetwork(host)
  const endpoint = await kit.createEndpoint(host, network)
  const plugged = { ...endpoint, sandbox: kit.sandbox() }
  await kit.plug(host, endpoint, plugged.sandbox)
  return { plugged, ids: { networkId: network.id, endpointId: endpoint.endpointId } }
}
