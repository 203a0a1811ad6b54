// Text of a body that no UTF-8 can hold is found, wherever it stands, and no other.
import { illFormedText } from '@conet/host/api/well-formed'
import fc from 'fast-check'
import { expect, it } from 'vitest'

/** UTF-16 units of any kind, surrogates often. */
const text = fc
  .array(fc.oneof(fc.integer({ min: 0xd800, max: 0xdfff }), fc.integer({ min: 0, max: 0xffff })), {
    maxLength: 6,
  })
  .map((units) => String.fromCharCode(...units))

/** What UTF-8 cannot hold comes back as another. */
const isWellFormed = (text: string) => Buffer.from(text, 'utf8').toString('utf8') === text

it('as a value and as the name of a member, alone and deep inside', () => {
  fc.assert(
    fc.property(text, (part) => {
      for (const document of [part, [part], { a: [{ b: part }] }, { [part]: 1 }, [{ x: { [part]: [] } }]]) {
        const found = illFormedText(JSON.stringify(document), document)
        expect(found === undefined).toBe(isWellFormed(part))
        expect(found === undefined || isWellFormed(found.path + found.message)).toBe(true)
      }
    }),
    { numRuns: 2_000 },
  )
})

it('in a large document without a search of all that is well-formed', () => {
  const document = { list: Array.from({ length: 100_000 }, (_, index) => ({ text: `\u{1f600}${index}` })) }
  expect(illFormedText(JSON.stringify(document), document)).toBeUndefined()
  const escaped = JSON.stringify({ a: '\ud83d\ude00' }).replace('\u{1f600}', '\\ud83d\\ude00')
  expect(illFormedText(escaped, JSON.parse(escaped))).toBeUndefined()
  const last = { list: [...document.list, { text: '\ud800' }] }
  expect(illFormedText(JSON.stringify(last), last)?.path).toBe('list[100000].text')
})
