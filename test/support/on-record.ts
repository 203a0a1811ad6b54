// What a conetd has on record, as monitoring sees it: less work than its status, for which it looks at the whole machine.
import { expect } from 'vitest'
import { httpCall } from './unix-http.ts'

export type OnRecord = Record<'networks' | 'containers' | 'endpoints' | 'pending_removals', number>

export async function onRecord(socketPath: string): Promise<OnRecord> {
  const { status, text } = await httpCall(socketPath, { path: '/metrics' })
  expect(status, text).toBe(200)
  const sumOf = (name: keyof OnRecord) =>
    [...text.matchAll(new RegExp(`^conet_${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    )
  // Else every sum would be 0.
  expect(text).toMatch(/^conet_pending_removals \d+$/m)
  return {
    networks: sumOf('networks'),
    containers: sumOf('containers'),
    endpoints: sumOf('endpoints'),
    pending_removals: sumOf('pending_removals'),
  }
}
