// The kit's own parser: what it lets through decides what drivers get away with.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Parsed, StrictParser } from '../../../sdk/dist/conformance/wire/strict-parser.js'

function parsedFrom(chunks: readonly Buffer[]): Parsed[] {
  const parsed: Parsed[] = []
  const parser = new StrictParser((one) => parsed.push(one))
  for (const chunk of chunks) parser.push(chunk)
  return parsed
}

function framed(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])
}

describe('the strict parser of the kit', () => {
  it('reads the same messages, however the bytes are cut', () => {
    const messages = fc.array(fc.record({ id: fc.integer(), text: fc.string({ unit: 'grapheme' }) }), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 40 }), (sent, size) => {
        const bytes = Buffer.concat(sent.map(framed))
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
          bytes.subarray(n * size, (n + 1) * size),
        )
        const got = parsedFrom(chunks).map((one) => (one.kind === 'message' ? one.message : one.reason))
        expect(got).toEqual(sent)
      }),
    )
  })

  it.each([
    ['no Content-Length', 'X-Other: 1\r\n\r\n{}'],
    ['two of them', 'Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}'],
    ['a length that is no number', 'Content-Length: 2x\r\n\r\n{}'],
    ['a line that is no field', 'hello\r\nContent-Length: 2\r\n\r\n{}'],
    ['a body that is no JSON', 'Content-Length: 2\r\n\r\n{]'],
    ['a body that is an array', 'Content-Length: 2\r\n\r\n[]'],
    ['a header without end', `X: ${'x'.repeat(9_000)}`],
  ])('calls it a fault: %s', (_what, text) => {
    expect(parsedFrom([Buffer.from(text)])).toEqual([{ kind: 'fault', reason: expect.any(String) }])
  })

  it('calls bytes that are not UTF-8 a fault', () => {
    const bytes = Buffer.concat([
      Buffer.from('Content-Length: 4\r\n\r\n{"'),
      Buffer.from([0xff]),
      Buffer.from('}'),
    ])
    expect(parsedFrom([bytes])).toEqual([{ kind: 'fault', reason: 'a body that is not UTF-8' }])
  })

  it('reads nothing after a fault', () => {
    expect(parsedFrom([Buffer.from('Content-Length: x\r\n\r\n'), framed({ id: 1 })])).toHaveLength(1)
  })
})
