// Sync of what is plugged: made so, reported, left in peace, or taken out.
import type { DesiredEndpoint, Network } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints } from './listed.ts'
import { expectQuiet, syncOnce } from './sync-rounds.ts'
import { expect, NotApplicable } from './verdicts.ts'

export const syncPlugChecks: readonly ActiveCheck[] = [
  {
    id: 'sync.plugged',
    title: 'an endpoint with a sandbox is plugged, and the answer has what its plug would say',
    level: 'core',
    needs: ['root'],
    rules: ['SYNC-2', 'SYNC-5'],
    sends: 'a sync with an endpoint that has a sandbox; the same plug as a call',
    why: 'The host configures what is left to it by this answer.',
    mend: 'Plug it, and put the result into `plugged`.',
    async run(kit) {
      using host = await kit.connect()
      const { network, endpoint } = await desired(kit, host)
      const { plugged } = await syncOnce(kit, host, { networks: [network], endpoints: [endpoint] })
      const own = plugged.find(({ endpointId }) => endpointId === endpoint.endpointId)
      expect(own !== undefined, '`plugged` does not name the endpoint', { found: plugged })
      const again = await host.call('endpoint/plug', { ...endpoint, sandbox: endpoint.sandbox })
      const isSame = JSON.stringify(again) === JSON.stringify(own.result)
      expect(isSame, 'the plug says otherwise', { expected: own.result, found: again })
    },
  },
  {
    id: 'sync.plugged-quiet',
    title: 'a sync of what is plugged as it should be repairs nothing',
    level: 'core',
    needs: ['root'],
    rules: ['SYNC-4', 'SYNC-7'],
    sends: 'endpoint/plug, and a sync that says the same',
    why: 'It happens on each reconnect, with traffic on every interface.',
    mend: 'Compare before you change.',
    async run(kit) {
      using host = await kit.connect()
      const { network, endpoint } = await desired(kit, host)
      await kit.plug(host, endpoint, endpoint.sandbox)
      expectQuiet(await syncOnce(kit, host, { networks: [network], endpoints: [endpoint] }), 'the sync')
    },
  },
  {
    id: 'sync.unplugs',
    title: 'an endpoint that is plugged and should only be created is unplugged',
    level: 'core',
    needs: ['root'],
    rules: ['SYNC-2', 'SYNC-5'],
    sends: 'endpoint/plug, a sync that has the endpoint without a sandbox, and a plug into another sandbox',
    why: 'Its container has stopped while the connection was down.',
    mend: 'Unplug what a page names without a sandbox.',
    async run(kit) {
      using host = await kit.connect()
      const { network, endpoint } = await desired(kit, host)
      await kit.plug(host, endpoint, endpoint.sandbox)
      const { sandbox: _left, ...created } = endpoint
      const { plugged } = await syncOnce(kit, host, { networks: [network], endpoints: [created] })
      expect(plugged.length === 0, 'something is still plugged', { found: plugged })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 1 })
      await kit.plug(host, endpoint, kit.sandbox())
    },
  },
  {
    id: 'sync.failed',
    title: 'what cannot be made so is named in `failed`, and the rest of the page is done',
    level: 'core',
    needs: ['root'],
    rules: ['SYNC-3'],
    sends: 'a sync of two endpoints, one with a sandbox that is gone',
    why: 'One container that has died must not keep all others from their network.',
    mend: 'Catch the failure of each object, and go on.',
    async run(kit) {
      using host = await kit.connect()
      const { network, endpoint } = await desired(kit, host)
      const { interfaces } = await kit.plug(host, endpoint, endpoint.sandbox)
      if (interfaces.length === 0) throw new NotApplicable('the driver takes no kernel action')
      const path = `${endpoint.sandbox.path}-gone`
      const lost = { ...(await kit.createEndpoint(host, network)), sandbox: { id: path, path } }
      const page = { networks: [network], endpoints: [lost, endpoint] }
      const { failed, plugged } = await syncOnce(kit, host, page)
      const isNamed = failed.some(({ endpointId }) => endpointId === lost.endpointId)
      expect(isNamed && failed.length === 1, '`failed` is wrong', {
        expected: [lost.endpointId],
        found: failed,
      })
      const isDone = plugged.some(({ endpointId }) => endpointId === endpoint.endpointId)
      expect(isDone, 'the rest of the page was not done', { found: plugged })
    },
  },
]

async function desired(
  kit: CheckContext,
  host: KitHost,
): Promise<{ network: Network; endpoint: DesiredEndpoint & Required<Pick<DesiredEndpoint, 'sandbox'>> }> {
  const network = await kit.createNetwork(host)
  const endpoint = await kit.createEndpoint(host, network)
  return { network, endpoint: { ...endpoint, sandbox: kit.sandbox() } }
}
