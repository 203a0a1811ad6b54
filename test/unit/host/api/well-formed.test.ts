// Text of a body that no UTF-8 can hold is found, wherever it stands, and no other.
import { illFormedText } from '@conet/host/api/well-formed'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const unit = fc.oneof(
  fc.integer({ min: 0xd800, max: 0xdfff }),
  fc.constantFrom(0xd83d, 0xde00),
  fc.constantFrom(...[...'\\"ud83de00'].map((character) => character.charCodeAt(0))),
  fc.integer({ min: 0, max: 0xffff }),
)
/** UTF-16 units of any kind, surrogates often, and what escapes are written with. */
const text = fc.array(unit, { maxLength: 8 }).map((units) => String.fromCharCode(...units))

/** What UTF-8 cannot hold comes back as another. */
const isWellFormed = (text: string) => Buffer.from(text, 'utf8').toString('utf8') === text

/** As programs write JSON that keep to ASCII: an emoji is two escapes. */
const inAscii = (json: string) =>
  json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** All that a search can learn of a value is counted. */
function watched<T extends object>(value: T): { document: T; reads: () => number } {
  let reads = 0
  const document = new Proxy(value, {
    get: (target, key) => {
      reads += 1
      return Reflect.get(target, key)
    },
    ownKeys: (target) => {
      reads += 1
      return Reflect.ownKeys(target)
    },
  })
  return { document, reads: () => reads }
}

it('as a value and as the name of a member, alone and deep inside', () => {
  fc.assert(
    fc.property(text, (part) => {
      for (const document of [part, [part], { a: [{ b: part }] }, { [part]: 1 }, [{ x: { [part]: [] } }]]) {
        const json = JSON.stringify(document)
        for (const written of [json, inAscii(json), inAscii(json).replaceAll(/\\ud/g, '\\uD')]) {
          const found = illFormedText(written, document)
          expect(found === undefined).toBe(isWellFormed(part))
          expect(found === undefined || isWellFormed(found.path + found.message)).toBe(true)
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

it('without a search of what is well-formed, however it is written', () => {
  fc.assert(
    fc.property(fc.array(text), (parts) => {
      const { document, reads } = watched(parts.filter(isWellFormed))
      const json = JSON.stringify(parts.filter(isWellFormed))
      for (const written of [json, inAscii(json)]) expect(illFormedText(written, document)).toBeUndefined()
      expect(reads()).toBe(0)
    }),
    { numRuns: 2_000 },
  )
  const { document, reads } = watched({ a: '\ud800' })
  expect(illFormedText('{"a":"\\ud800"}', document)?.path).toBe('a')
  expect(reads(), 'a search is seen').toBeGreaterThan(0)
})

it('at the end of a large document, with its place', () => {
  const list = [...Array.from({ length: 100_000 }, (_, index) => ({ text: `\u{1f600}${index}` }))]
  const last = { list: [...list, { text: '\ud800' }], 'what follows': [] }
  expect(illFormedText(JSON.stringify(last), last)?.path).toBe('list[100000].text')
})

it('in the longest body, whatever it is made of', () => {
  const most = 1024 * 1024
  for (const part of ['\\\\', '\\\\n', '\\ud83d\\ude00', '\\\\\\ud83d\\ude00']) {
    const body = part.repeat(most / part.length)
    expect(illFormedText(`"${body}"`, ''), part).toBeUndefined()
    expect(illFormedText(`"${body}\\ud83d"`, '\ud83d'), part).toMatchObject({ path: 'body' })
    expect(illFormedText(`"${body}\\ude00"`, '\ude00'), part).toMatchObject({ path: 'body' })
  }
})

it('at any depth, with its place', () => {
  let document: unknown = ['\ud800']
  for (let depth = 0; depth < 50_000; depth += 1) document = { a: document }
  expect(illFormedText('"\\ud800"', document)?.path).toBe(`a${'.a'.repeat(49_999)}[0]`)
})
