// Pings that the driver's main loop answers, probes that the author's code answers.
import type { ActiveCheck } from './check.ts'
import { listedEndpoints, listedNetworks } from './listed.ts'
import { expect } from './verdicts.ts'

export const healthChecks: readonly ActiveCheck[] = [
  {
    id: 'health.ping',
    title: 'pings are answered with {} at once, alone and together',
    level: 'core',
    rules: ['HLTH-1', 'CALL-4'],
    sends: 'driver/ping, and then three more without waiting',
    why: 'Three pings without an answer, and the host cuts the connection.',
    mend: 'Answer it where messages come in, not where work is done.',
    async run(kit) {
      using host = await kit.connect()
      const ping = () => host.call('driver/ping', {}, { waitMs: kit.promptMs })
      await ping()
      await Promise.all([ping(), ping(), ping()])
    },
  },
  {
    id: 'health.ping-under-load',
    title: 'pings are answered while a hundred calls are under way',
    level: 'robust',
    rules: ['HLTH-1'],
    sends: 'a hundred endpoint/create without waiting, and five pings among them',
    why: 'A busy driver is not a dead one.',
    mend: 'Do not queue pings behind work; do not block the loop that answers them.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const calls = Array.from({ length: 100 }, () =>
        host.request('endpoint/create', kit.objects.endpoint(network)),
      )
      for (let time = 0; time < 5; time += 1) await host.call('driver/ping', {}, { waitMs: kit.promptMs })
      await Promise.all(calls)
    },
  },
  {
    id: 'health.probe',
    title: 'a probe changes nothing, and is healthy only if every check is ok',
    level: 'core',
    profile: 'probe',
    rules: ['HLTH-4'],
    sends: 'driver/probe, and both lists before and after',
    why: 'Operators act on it; the host asks again and again.',
    mend: 'Only look; derive healthy from the checks.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      await kit.createEndpoint(host, network)
      const before = [await listedNetworks(host), await listedEndpoints(host)]
      const { healthy, checks } = await host.call('driver/probe', {})
      const allOk = checks.every(({ ok }) => ok)
      expect(!healthy || allOk, 'healthy, with a check that is not ok', { found: checks })
      const after = [await listedNetworks(host), await listedEndpoints(host)]
      const isSame = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))
      expect(isSame, 'the probe changed what is there', { expected: before, found: after })
    },
  },
]

function sorted(lists: readonly string[][]): string[][] {
  return lists.map((list) => [...list].sort())
}
