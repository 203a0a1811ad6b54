// The driver's process is killed and started again: nothing is lost, nothing is left.
import type { CheckContext } from '../context/check-context.ts'
import { pictureOf } from '../kernel/picture.ts'
import { type Plugged, plugged, refOf } from '../kernel/plugged.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints, listedNetworks } from './listed.ts'
import { expectQuiet, isUnknown, syncOnce } from './sync-rounds.ts'
import { expect, NotApplicable } from './verdicts.ts'

/** After so many milliseconds of a create and plug the driver is killed. */
const momentsMs = [0, 1, 2, 4, 8, 16]

export const restartChecks: readonly ActiveCheck[] = [
  {
    id: 'restart.sync',
    title: 'after kill -9 and a start one sync makes everything so, and the next reports nothing',
    level: 'resilient',
    needs: ['command', 'root'],
    rules: ['SYNC-2', 'SYNC-7', 'IDEM-3'],
    sends: 'a network, an endpoint, a plug; SIGKILL and a new start; the same sync twice',
    why: 'A driver that crashes must come back without anybody’s help.',
    mend: 'Compare what you find with what the page says; adopt what is yours.',
    async run(kit) {
      const before = await kit.connect()
      const network = await kit.createNetwork(before)
      const created = await kit.createEndpoint(before, network)
      const plugged = { ...(await kit.createEndpoint(before, network)), sandbox: kit.sandbox() }
      await kit.plug(before, plugged, plugged.sandbox)
      await killAndStart(kit)
      using host = await kit.connect()
      const page = { networks: [network], endpoints: [created, plugged] }
      const { failed } = await syncOnce(kit, host, page)
      expect(failed.length === 0, 'the sync failed', { found: failed })
      expectQuiet(await syncOnce(kit, host, page), 'the second sync')
    },
  },
  {
    id: 'restart.delete',
    title: 'what an earlier instance made can be unplugged and deleted by its ids alone',
    level: 'resilient',
    needs: ['command', 'root'],
    rules: ['IDEM-4', 'EP-4', 'NET-5'],
    sends: 'a network and a plug; a new start; unplug and both deletes by ids alone; both lists',
    why: 'A host that wants nothing of it any more does not send what it was.',
    mend: 'Find objects by their ids, in the kernel or in records that outlive the process.',
    async run(kit) {
      const before = await kit.connect()
      const network = await kit.createNetwork(before)
      const endpoint = await kit.createEndpoint(before, network)
      await kit.plug(before, endpoint, kit.sandbox())
      await killAndStart(kit)
      using host = await kit.connect()
      const ids = { networkId: network.id, endpointId: endpoint.endpointId }
      await host.call('endpoint/unplug', ids)
      await host.call('endpoint/delete', ids)
      await host.call('network/delete', { networkId: network.id })
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 0 })
      expectListed(await listedNetworks(host), network.id, { times: 0 })
    },
  },
  {
    id: 'restart.listed',
    title: 'an endpoint that an earlier instance plugged, and whose interface is still there, is listed once',
    level: 'resilient',
    needs: ['command', 'root'],
    rules: ['EP-5'],
    sends: 'a network, an endpoint, a plug; SIGKILL and a new start; endpoint/list before any sync',
    why: 'What no list names is never deleted once the host has forgotten it: its interfaces leak.',
    mend: 'List what you find in the kernel, or in records that outlive the process; memory is empty after a start.',
    async run(kit) {
      const made = await plugged(kit, await kit.connect())
      await killAndStart(kit)
      assertStillThere(made)
      using host = await kit.connect()
      const { endpoints } = await host.call('endpoint/list', {})
      const { networkId, endpointId } = refOf(made.endpoint)
      const found = endpoints.filter((endpoint) => endpoint.endpointId === endpointId)
      expect(
        found.length === 1 && found[0]?.networkId === networkId,
        'its interface is still in the sandbox, and the list does not have it once',
        { expected: [{ networkId, endpointId }], found },
      )
    },
  },
  {
    id: 'restart.mid-plug',
    title:
      'killed at any moment of a create and plug, it is repaired by a sync, and leaves nothing after a delete',
    level: 'resilient',
    needs: ['command', 'root'],
    limitMs: 60_000,
    rules: ['SYNC-7', 'IDEM-4', 'SOCK-4'],
    sends:
      'create and plug, and SIGKILL 0 to 16 ms later; a new start, two syncs, both deletes, an empty sync',
    why: 'Power fails, memory ends; half a plug must not stay.',
    mend: 'Make each step such that it is found again, and can be repeated or taken back.',
    async run(kit) {
      for (const momentMs of momentsMs) await killDuringPlug(kit, momentMs)
    },
  },
  {
    id: 'restart.unknown',
    title: 'after a restart and a sync of nothing, what is unknown can be deleted, and then nothing is',
    level: 'resilient',
    needs: ['command'],
    rules: ['SYNC-6', 'SYNC-7', 'IDEM-4'],
    sends: 'network/create; a new start; an empty sync, network/delete, an empty sync',
    why: 'It is how leaks are found and ended.',
    mend: 'List in `unknown` what you find and no page names.',
    async run(kit) {
      const before = await kit.connect()
      const { id } = await kit.createNetwork(before)
      await killAndStart(kit)
      using host = await kit.connect()
      await syncOnce(kit, host, {})
      await host.call('network/delete', { networkId: id })
      expect(!isUnknown(await syncOnce(kit, host, {}), id), 'a deleted network is still unknown')
    },
  },
]

/** SIGKILL: with a SIGTERM calls under way would come to their end. */
async function killAndStart({ process }: CheckContext): Promise<void> {
  await process.end('SIGKILL')
  await process.restart()
}

/** Of what is gone EP-5 says nothing here; that it must not go with the process is for kernel.driver-end-keeps. */
function assertStillThere({ sandbox, result }: Plugged): void {
  const { links } = pictureOf(sandbox.path)
  const isThere = result.interfaces.some(({ name }) => links.some((link) => link.name === name))
  if (!isThere) throw new NotApplicable('no interface of the plug outlives the driver')
}

async function killDuringPlug(kit: CheckContext, momentMs: number): Promise<void> {
  const before = await kit.connect()
  const network = await kit.createNetwork(before)
  const endpoint = { ...kit.objects.endpoint(network), sandbox: kit.sandbox() }
  const { sandbox, ...create } = endpoint
  before.start('endpoint/create', create)
  before.start('endpoint/plug', endpoint)
  await new Promise((resolve) => setTimeout(resolve, momentMs))
  await killAndStart(kit)
  using host = await kit.connect()
  const page = { networks: [network], endpoints: [{ ...create, sandbox }] }
  const { failed } = await syncOnce(kit, host, page)
  expect(failed.length === 0, `killed after ${momentMs} ms: the sync failed`, { found: failed })
  expectQuiet(await syncOnce(kit, host, page), `killed after ${momentMs} ms: the second sync`)
  const ids = { networkId: network.id, endpointId: endpoint.endpointId }
  await host.call('endpoint/delete', ids)
  await host.call('network/delete', { networkId: network.id })
  const result = await syncOnce(kit, host, {})
  for (const id of [network.id, endpoint.endpointId])
    expect(!isUnknown(result, id), `killed after ${momentMs} ms: something is left`, {
      found: result.unknown,
    })
}
