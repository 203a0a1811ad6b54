import { SyncAnswers } from '@conet/host/drivers/sync-answers'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const longText = 'x'.repeat(2_048)
const heads = fc.constantFrom(
  '"jsonrpc":"2.0","id":1,',
  '"jsonrpc":"2.0","id":2,',
  '"id":1,"x":{',
  '',
  '"id":1,"result":3,',
)
const bodies = fc.oneof(
  fc.jsonValue().map((value) => `{"text":"${longText}","value":${JSON.stringify(value)}}}`),
  fc.constantFrom(
    `"${longText}"}`,
    `{"text":"${longText}"},"id":7}`,
    `{"text":"${longText}"}}}`,
    `{"text":"${longText}"`,
    `{"text":"${longText}"},"error":null}`,
  ),
)
const texts = fc.tuple(heads, bodies).map(([head, body]) => `{${head}"result":${body}`)

it('what it makes of a text is what JSON.parse makes of it, however often it has come', () => {
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 6 }), (all) => {
      const answers = new SyncAnswers()
      for (const text of [...all, ...all, ...all.toReversed()]) {
        const expected = outcomeOf(() => JSON.parse(text))
        const outcome = outcomeOf(() => answers.parse(text))
        expect(outcome).toEqual(expected)
        const { result } = Object(outcome)
        if (typeof result === 'object' && result !== null) answers.remember(result)
      }
    }),
  )
})

it('an answer that was right is the same object when it comes again, with the id of its message', () => {
  const answers = new SyncAnswers()
  const textOf = (id: number) => `{"jsonrpc":"2.0","id":${id},"result":{"text":"${longText}"}}`
  const { result } = Object(answers.parse(textOf(1)))
  expect(answers.isChecked('driver/sync', result)).toBe(false)
  expect(Object(answers.parse(textOf(2))).result).not.toBe(result)
  answers.remember(result)
  const again = Object(answers.parse(textOf(3)))
  expect(again.result).toBe(result)
  expect(again.id).toBe(3)
  expect(answers.isChecked('driver/sync', again.result)).toBe(true)
  expect(answers.isChecked('endpoint/stats', again.result)).toBe(false)
})

function outcomeOf(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    return error instanceof SyntaxError ? 'no JSON' : error
  }
}
