import fc from 'fast-check'
import { expect, it } from 'vitest'
import { logPrefixOf } from '../../../sdk/dist/bridge-network/endpoint-policy.js'

const endpointId = 'e5'.repeat(32)
const opening = 'conet e5e5e5e5e5e5 '

/** What begins a line or moves what is shown: controls, line and paragraph ends, and marks of the direction of writing. */
const changesTheLine = (code: number): boolean =>
  code <= 0x1f ||
  (code >= 0x7f && code <= 0x9f) ||
  [0x61c, 0x200e, 0x200f, 0x2028, 0x2029].includes(code) ||
  [0x202a, 0x202b, 0x202c, 0x202d, 0x202e].includes(code) ||
  [0x2066, 0x2067, 0x2068, 0x2069].includes(code)

const codesOf = (text: string): number[] => [...text].map((character) => character.codePointAt(0) ?? 0)
const shownAs = (text: string): string =>
  codesOf(text)
    .map((code) => (changesTheLine(code) ? '?' : String.fromCodePoint(code)))
    .join('')

it('begins log lines with as much of the handle as the kernel takes, and never with half a character', () => {
  expect(logPrefixOf(endpointId, 'web')).toBe(`${opening}web `)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (handle) => {
      const prefix = logPrefixOf(endpointId, handle)
      expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(127)
      expect(`${opening}${shownAs(handle)} `.startsWith(prefix.slice(0, -1))).toBe(true)
    }),
  )
  const cut = ['é'.repeat(54), '日'.repeat(60), `a${'😀'.repeat(60)}`].map((handle) =>
    logPrefixOf(endpointId, handle),
  )
  for (const prefix of cut) expect(Buffer.byteLength(prefix)).toBeGreaterThan(122)
  for (const prefix of cut) expect(prefix).not.toContain('\ufffd')
})

it('has nothing of a handle that would forge a line of the log, or change how one reads', () => {
  expect(logPrefixOf(endpointId, 'a\nconet b\r\u001b[2J\u0085\u2028\u202e\u200f\u061c')).toBe(
    `${opening}a?conet b??[2J????? `,
  )
  const characters = fc.oneof(
    fc.integer({ min: 0, max: 0xa0 }),
    fc.integer({ min: 0x600, max: 0x620 }),
    fc.integer({ min: 0x2000, max: 0x2070 }),
    fc.integer({ min: 0x1f600, max: 0x1f640 }),
  )
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 300 }), (codes) => {
      const prefix = logPrefixOf(endpointId, String.fromCodePoint(...codes))
      expect(codesOf(prefix).filter(changesTheLine)).toEqual([])
      // One for one, so that what is left of a handle is as long as before.
      const whole = [...opening].length + codes.length + 1
      if (Buffer.byteLength(prefix) < 124) expect([...prefix].length).toBe(whole)
      expect(Buffer.byteLength(prefix)).toBeLessThanOrEqual(127)
    }),
  )
})
