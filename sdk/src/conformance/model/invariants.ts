// What holds after every step, whatever it was.
import { expect } from '../checks/verdicts.ts'
import type { Model, Real } from './model.ts'

/** The driver's lists are those of the model. */
export async function expectLists({ networks, endpoints }: Model, { host, ids }: Real): Promise<void> {
  const { networkIds } = await host.call('network/list', {})
  const { endpoints: refs } = await host.call('endpoint/list', {})
  expectSame('network/list', [...networks.keys()], networkIds, ids)
  const endpointIds = refs.map(({ endpointId }) => endpointId)
  expectSame('endpoint/list', [...endpoints.keys()], endpointIds, ids)
}

function expectSame(
  method: string,
  expected: readonly string[],
  all: readonly string[],
  ids: Set<string>,
): void {
  const found = all.filter((id) => ids.has(id))
  const isSame = [...expected].sort().join() === [...found].sort().join()
  expect(isSame, `${method} is not what was made and not deleted`, { expected, found })
}

/** A sync of the model finds nothing to mend and nothing unknown: the driver is as it was told. */
export async function expectQuietSync(
  { networks, endpoints }: Model,
  { kit, host, ids }: Real,
): Promise<void> {
  const answer = await host.call('driver/sync', {
    syncId: kit.objects.id(),
    more: false,
    networks: [...networks.values()],
    endpoints: [...endpoints.values()].map(({ params, plug }) => ({
      ...params,
      ...(plug !== undefined && { sandbox: plug.sandbox }),
    })),
  })
  const { repaired, failed, plugged } = answer
  expect(repaired.length === 0 && failed.length === 0, 'a sync of what is so mended or refused something', {
    expected: { repaired: [], failed: [] },
    found: { repaired, failed },
  })
  const unknown = [
    ...answer.unknown.networkIds,
    ...answer.unknown.endpoints.map(({ endpointId }) => endpointId),
  ].filter((id) => ids.has(id))
  expect(unknown.length === 0, 'a sync of everything found something unknown', { found: unknown })
  const wanted = [...endpoints.values()].flatMap(({ params, plug }) => (plug ? [params.endpointId] : []))
  const found = plugged.map(({ endpointId }) => endpointId)
  const isSame = wanted.sort().join() === found.sort().join()
  expect(isSame, 'a sync names others as plugged', { expected: wanted, found })
}
