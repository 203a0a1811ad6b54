import { isDeepStrictEqual } from 'node:util'
import { encodeFrame, FrameParser, isSameJson, type JsonObject, JsonText } from '@conet/sdk/jsonrpc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** As it comes out of a message. */
const json = fc.jsonValue({ maxDepth: 3 }).map((value): unknown => JSON.parse(JSON.stringify(value)))
const object = fc.dictionary(fc.string(), json).map((value): JsonObject => JSON.parse(JSON.stringify(value)))

function arrived(message: object): JsonObject[] {
  const messages: JsonObject[] = []
  const parser = new FrameParser({
    maxMessageBytes: 1_000_000,
    onMessage: (received) => messages.push(received),
  })
  parser.push(Buffer.from(encodeFrame(message, 1_000_000).text))
  return messages
}

describe('params that are text already', () => {
  it('arrive as the same params as objects do, with what was added', () => {
    fc.assert(
      fc.property(object, object, (params, meta) => {
        const text = new JsonText(JSON.stringify(params)).with('_meta', meta)
        const message = { jsonrpc: '2.0', id: 1, method: 'm' }
        expect(arrived({ ...message, params: text })).toEqual([
          { ...message, params: { ...params, _meta: meta } },
        ])
      }),
    )
  })
})

describe('two values', () => {
  it('are the same JSON when Node says so', () => {
    const changed = fc.tuple(json, json)
    const equal = json.map((value): [unknown, unknown] => [value, JSON.parse(JSON.stringify(value))])
    fc.assert(
      fc.property(fc.oneof(changed, equal), ([one, other]) => {
        expect(isSameJson(one, other)).toBe(isDeepStrictEqual(one, other))
      }),
    )
  })

  it('are not the same when one has a member more, or another kind of nothing', () => {
    expect(isSameJson({ a: 1 }, { a: 1, b: 2 })).toBe(false)
    expect(isSameJson({ a: 1, b: 2 }, { a: 1 })).toBe(false)
    expect(isSameJson([], {})).toBe(false)
    expect(isSameJson(null, {})).toBe(false)
    expect(isSameJson([1, 2], [1])).toBe(false)
  })
})
