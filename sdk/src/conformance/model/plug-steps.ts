// Steps that take a sandbox: the matrix of plug, and syncs.
import { expect } from '../checks/verdicts.ts'
import { giveBack, takeIn } from '../kernel/host-part.ts'
import { refOf } from '../kernel/plugged.ts'
import { expectQuietSync } from './invariants.ts'
import { pick } from './model.ts'
import type { Step } from './steps.ts'

export const syncStep: Step = {
  name: 'sync',
  isPossible: () => true,
  async run(model, real) {
    await expectQuietSync(model, real)
  },
}

export const plugSteps: readonly Step[] = [
  {
    name: 'plug',
    isPossible: ({ endpoints }) => endpoints.size > 0,
    async run({ endpoints }, { kit, host, sandboxes }, position) {
      const endpoint = pick(endpoints.values(), position)
      const sandbox = pick(sandboxes, Math.floor(position / 7))
      if (endpoint === undefined || sandbox === undefined) return
      const { params, plug } = endpoint
      if (plug !== undefined && plug.sandbox.path !== sandbox.path) {
        await host.refused('endpoint/plug', { ...params, sandbox }, ['inUse'])
        return
      }
      const result = await kit.plug(host, params, sandbox)
      if (plug === undefined) {
        takeIn(sandbox, result)
        endpoint.plug = { sandbox, result }
        return
      }
      const isSame = JSON.stringify(result) === JSON.stringify(plug.result)
      expect(isSame, 'a repeated plug answers something else', { expected: plug.result, found: result })
    },
  },
  {
    name: 'plugDifferently',
    isPossible: ({ endpoints }) => endpoints.size > 0,
    async run({ endpoints }, { host, sandboxes }, position) {
      const endpoint = pick(endpoints.values(), position)
      const sandbox = endpoint?.plug?.sandbox ?? sandboxes[0]
      if (endpoint === undefined || sandbox === undefined) return
      const other = { ...endpoint.params.interface, macAddress: '02:00:5e:00:00:02' }
      await host.refused('endpoint/plug', { ...endpoint.params, interface: other, sandbox }, ['conflict'])
    },
  },
  {
    name: 'unplug',
    isPossible: ({ endpoints }) => endpoints.size > 0,
    async run({ endpoints }, { host }, position) {
      const endpoint = pick(endpoints.values(), position)
      if (endpoint === undefined) return
      const { params, plug } = endpoint
      if (plug !== undefined) giveBack(plug.sandbox, plug.result)
      await host.call('endpoint/unplug', { ...refOf(params), ...(plug && { sandbox: plug.sandbox }) })
      delete endpoint.plug
    },
  },
]

/** The driver ends without a word and starts again; what should be is told to it as after every connect. */
export const restartStep: Step = {
  name: 'restartDriver',
  isPossible: () => true,
  async run(model, real) {
    const { kit } = real
    await kit.process.end('SIGKILL')
    await kit.process.restart()
    real.host = await kit.connect()
    await tell(model, real.host, kit.objects.id())
  },
}

async function tell(
  { networks, endpoints }: Parameters<Step['run']>[0],
  host: Parameters<Step['run']>[1]['host'],
  syncId: string,
): Promise<void> {
  const { failed } = await host.call('driver/sync', {
    syncId,
    more: false,
    networks: [...networks.values()],
    endpoints: [...endpoints.values()].map(({ params, plug }) => ({
      ...params,
      ...(plug && { sandbox: plug.sandbox }),
    })),
  })
  expect(failed.length === 0, 'after a restart a sync fails', { found: failed })
}
