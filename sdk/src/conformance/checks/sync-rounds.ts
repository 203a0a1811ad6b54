// Syncs as a host makes them, for the checks that look at their answers.
import type { DesiredEndpoint, Network, SyncResult } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import type { KitHost } from '../wire/kit-host.ts'
import { expect } from './verdicts.ts'

/** What should be, on one page. */
export type Page = { readonly networks?: readonly Network[]; readonly endpoints?: readonly DesiredEndpoint[] }

/** Sends pages of one sync, each after the answer to the one before. Resolves to all answers, at least one. */
export async function syncPages(
  kit: CheckContext,
  host: KitHost,
  pages: readonly Page[],
): Promise<SyncResult[]> {
  const syncId = kit.random.hex(16)
  const results: SyncResult[] = []
  for (const [index, page] of pages.entries()) {
    const more = index < pages.length - 1
    results.push(await syncPage(host, { syncId, more, page }))
  }
  return results
}

export function syncPage(
  host: KitHost,
  { syncId, more, page: { networks = [], endpoints = [] } }: { syncId: string; more: boolean; page: Page },
): Promise<SyncResult> {
  return host.call('driver/sync', { syncId, more, networks: [...networks], endpoints: [...endpoints] })
}

/** One sync on one page. */
export async function syncOnce(kit: CheckContext, host: KitHost, page: Page): Promise<SyncResult> {
  const [result] = await syncPages(kit, host, [page])
  if (result === undefined) throw new Error('a sync of one page has one answer')
  return result
}

/** Nothing of the page differed, failed, or was unknown. What others than the kit made on the driver may be there. */
export function expectQuiet({ repaired, failed }: SyncResult, what: string): void {
  expect(repaired.length === 0, `${what}: something was repaired`, { found: repaired })
  expect(failed.length === 0, `${what}: something failed`, { found: failed })
}

/** Whether the answer names the object as unknown. */
export function isUnknown({ unknown }: SyncResult, id: string): boolean {
  return unknown.networkIds.includes(id) || unknown.endpoints.some(({ endpointId }) => endpointId === id)
}
