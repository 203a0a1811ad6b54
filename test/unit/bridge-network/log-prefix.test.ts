import fc from 'fast-check'
import { expect, it } from 'vitest'
import { logPrefixOf } from '../../../sdk/dist/bridge-network/endpoint-policy.js'

const endpointId = 'e5'.repeat(32)
const opening = 'conet e5e5e5e5e5e5 '

it('begins log lines with as much of the handle as the kernel takes, and never with half a character', () => {
  expect(logPrefixOf(endpointId, 'web')).toBe(`${opening}web `)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (handle) => {
      const prefix = logPrefixOf(endpointId, handle)
      expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(127)
      expect(`${opening}${handle} `.startsWith(prefix.slice(0, -1))).toBe(true)
    }),
  )
  const cut = ['é'.repeat(54), '日'.repeat(60), `a${'😀'.repeat(60)}`].map((handle) =>
    logPrefixOf(endpointId, handle),
  )
  for (const prefix of cut) expect(Buffer.byteLength(prefix)).toBeGreaterThan(122)
  for (const prefix of cut) expect(prefix).not.toContain('\ufffd')
})
