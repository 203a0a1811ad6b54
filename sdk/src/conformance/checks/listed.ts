// What a driver lists, for checks that compare before and after.
import type { KitHost } from '../wire/kit-host.ts'
import { expect } from './verdicts.ts'

export async function listedNetworks(host: KitHost): Promise<string[]> {
  return (await host.call('network/list', {})).networkIds
}

export async function listedEndpoints(host: KitHost): Promise<string[]> {
  return (await host.call('endpoint/list', {})).endpoints.map(({ endpointId }) => endpointId)
}

/** Fails unless the list names the object once, or not at all. */
export function expectListed(listed: readonly string[], id: string, { times }: { times: 0 | 1 }): void {
  const found = listed.filter((one) => one === id).length
  const what = times === 0 ? 'the list names what is gone' : 'the list does not name the object once'
  expect(found === times, what, { expected: `${times} × ${id}`, found: `${found} ×` })
}
