// Two instances of one driver: the second is synced while the first works, and takes over.
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints, listedNetworks } from './listed.ts'
import { expectQuiet, syncOnce } from './sync-rounds.ts'
import { expect } from './verdicts.ts'

export const upgradeChecks: readonly ActiveCheck[] = [
  {
    id: 'upgrade.standby',
    title: 'a second instance is synced as standby and finds nothing to repair, while the first one works',
    level: 'upgradable',
    profile: 'hotUpgrade',
    needs: ['command', 'root'],
    rules: ['UPG-1', 'UPG-2', 'HS-7'],
    sends:
      'to a second process initialized with role standby and a sync; to the first one create and delete meanwhile',
    why: 'Packets flow while the driver is replaced.',
    mend: 'Adopt what is there; touch nothing that is as it should be.',
    async run(kit) {
      using first = await kit.host()
      const { driver } = await first.handshake()
      const { page, network } = await pluggedPage(kit, first)
      await using second = await standby(kit)
      expect(second.instanceId !== driver.instanceId, 'two instances have one instance id')
      expectQuiet(await syncOnce(kit, second.host, page), 'the sync of the standby')
      // The first one still works.
      const { endpointId } = await kit.createEndpoint(first, network)
      await first.call('endpoint/delete', { networkId: network.id, endpointId })
    },
  },
  {
    id: 'upgrade.takes-over',
    title: 'after the switch the second instance unplugs and deletes what the first one made',
    level: 'upgradable',
    profile: 'hotUpgrade',
    needs: ['command', 'root'],
    rules: ['UPG-1', 'IDEM-4'],
    sends:
      'to a second process two syncs and role active, to the first driver/drain; then the second unplugs and deletes',
    why: 'All that was made before the upgrade must be able to end after it.',
    mend: 'Keep no state in memory that another instance needs.',
    async run(kit) {
      using first = await kit.connect()
      const { page, network, endpoint } = await pluggedPage(kit, first)
      await using second = await standby(kit)
      const { host } = second
      await syncOnce(kit, host, page)
      await syncOnce(kit, host, page)
      host.notify('initialized', { role: 'active' })
      await first.call('driver/drain', {})
      const ids = { networkId: network.id, endpointId: endpoint.endpointId }
      await host.call('endpoint/unplug', ids)
      await host.call('endpoint/delete', ids)
      await host.call('network/delete', { networkId: network.id })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 0 })
      expectListed(await listedNetworks(host), network.id, { times: 0 })
      await syncOnce(kit, first, {})
    },
  },
  {
    id: 'upgrade.replaced',
    title: 'an instance that is told that it is replaced ends with exit code 0, and leaves its networks',
    level: 'upgradable',
    severity: 'should',
    profile: 'hotUpgrade',
    needs: ['command'],
    rules: ['UPG-8'],
    sends: 'driver/drain, then rejected with 1311 replaced',
    why: 'Nobody else ends it: the host starts no processes of other people.',
    mend: 'On rejected with 1311 stop listening and exit.',
    async run(kit) {
      using host = await kit.connect()
      await host.call('driver/drain', {})
      host.notify('rejected', { code: 1311, name: 'replaced', message: 'the kit has a newer instance' })
      const isGone = await kit.soon(() => !kit.process.isAlive)
      await kit.process.restart()
      expect(isGone, 'it still runs')
    },
  },
]

type Standby = AsyncDisposable & { readonly host: KitHost; readonly instanceId: string }

async function standby(kit: CheckContext): Promise<Standby> {
  const target = await kit.process.startAnother()
  try {
    const host = await kit.host(target.socketPath)
    const { driver } = await host.handshake({}, 'standby')
    return { host, instanceId: driver.instanceId, [Symbol.asyncDispose]: () => target[Symbol.asyncDispose]() }
  } catch (error) {
    await target[Symbol.asyncDispose]()
    throw error
  }
}

async function pluggedPage(kit: CheckContext, host: KitHost) {
  const network = await kit.createNetwork(host)
  const endpoint = { ...(await kit.createEndpoint(host, network)), sandbox: kit.sandbox() }
  await kit.plug(host, endpoint, endpoint.sandbox)
  return { network, endpoint, page: { networks: [network], endpoints: [endpoint] } }
}
