import fc from 'fast-check'
import { expect, it } from 'vitest'
import { logPrefixOf } from '../../../sdk/dist/bridge-network/endpoint-policy.js'

const endpointId = 'e5'.repeat(32)
const opening = 'conet e5e5e5e5e5e5 '

const control = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u

it('begins log lines with as much of the handle as the kernel takes, and never with half a character', () => {
  expect(logPrefixOf(endpointId, 'web')).toBe(`${opening}web `)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (handle) => {
      const prefix = logPrefixOf(endpointId, handle)
      expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(127)
      const shown = handle.replaceAll(new RegExp(control, 'gu'), '?')
      expect(`${opening}${shown} `.startsWith(prefix.slice(0, -1))).toBe(true)
    }),
  )
  const cut = ['é'.repeat(54), '日'.repeat(60), `a${'😀'.repeat(60)}`].map((handle) =>
    logPrefixOf(endpointId, handle),
  )
  for (const prefix of cut) expect(Buffer.byteLength(prefix)).toBeGreaterThan(122)
  for (const prefix of cut) expect(prefix).not.toContain('\ufffd')
})

it('has no control characters, whatever the handle: it would forge a line of the log', () => {
  expect(logPrefixOf(endpointId, 'a\nconet b\r\u001b[2J\u0085\u2028\u202e')).toBe(
    `${opening}a?conet b??[2J??? `,
  )
  const characters = fc.oneof(
    fc.integer({ min: 0, max: 0xa0 }),
    fc.integer({ min: 0x2020, max: 0x2070 }),
    fc.integer({ min: 0x1f600, max: 0x1f640 }),
  )
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 300 }), (codes) => {
      const prefix = logPrefixOf(endpointId, String.fromCodePoint(...codes))
      expect(prefix).not.toMatch(control)
      // One for one, so that what is left of a handle is as long as before.
      const whole = [...opening].length + codes.length + 1
      if (Buffer.byteLength(prefix) < 124) expect([...prefix].length).toBe(whole)
      expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(127)
    }),
  )
})
