import { ConetError } from '@conet/sdk'
import { encodeFrame, FrameParser, type JsonObject, maxHeaderBytes } from '@conet/sdk/jsonrpc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const limit = 4096

function parser(maxMessageBytes = limit) {
  const messages: JsonObject[] = []
  return {
    messages,
    parser: new FrameParser({ maxMessageBytes, onMessage: (message) => messages.push(message) }),
  }
}

function parse(...chunks: (Buffer | string)[]): JsonObject[] {
  const { parser: frames, messages } = parser()
  for (const chunk of chunks) frames.push(Buffer.from(chunk))
  return messages
}

function failureOf(...chunks: (Buffer | string)[]): ConetError {
  try {
    parse(...chunks)
  } catch (error) {
    if (ConetError.is(error)) return error
    throw error
  }
  throw new Error('the parser took it')
}

const encode = (message: object, maxBytes = limit) => Buffer.from(encodeFrame(message, maxBytes).text)
const withHeader = (header: string) => `${header}\r\n\r\n{}`

describe('frames that are in order', () => {
  it('are read when they come byte by byte', () => {
    const bytes = encode({ greeting: 'grüß dich, 世界 🌍' })
    expect(parse(...[...bytes].map((byte) => Buffer.of(byte)))).toEqual([{ greeting: 'grüß dich, 世界 🌍' }])
  })

  it('are read when two come in one chunk, with the beginning of a third', () => {
    const third = encode({ c: 3 })
    const chunk = Buffer.concat([encode({ a: 1 }), encode({ b: 2 }), third.subarray(0, 9)])
    expect(parse(chunk, third.subarray(9))).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }])
  })

  it('are read when they are cut in two at any place: header, line end, or character', () => {
    const bytes = encode({ word: 'größe 🌍' })
    for (let cut = 1; cut < bytes.length; cut += 1) {
      expect(parse(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual([{ word: 'größe 🌍' }])
    }
  })

  it('may have other header fields, any case, and blanks around the value', () => {
    const header =
      'Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nX-Other: 1\r\ncontent-length: \t2 '
    expect(parse(withHeader(header))).toEqual([{}])
  })

  it('may have NUL characters in strings, escaped', () => {
    expect(parse(encode({ text: 'a\u0000b' }))).toEqual([{ text: 'a\u0000b' }])
  })

  it('keep "__proto__" as a plain property', () => {
    const [message] = parse('Content-Length: 24\r\n\r\n{"__proto__":{"bad":1}} ')
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
    expect(Object.keys(message ?? {})).toEqual(['__proto__'])
  })

  it('may be exactly as large as the limit, and not a byte larger', () => {
    const body = JSON.stringify({ text: 'x'.repeat(limit - '{"text":""}'.length) })
    expect(parse(`Content-Length: ${limit}\r\n\r\n${body}`)).toHaveLength(1)
    expect(failureOf(`Content-Length: ${limit + 1}\r\n\r\n`).message).toContain('4097')
  })
})

describe('a header that is out of order is a violation', () => {
  const faults: Record<string, string> = {
    'no Content-Length': withHeader('Content-Type: text/plain'),
    'no field at all': withHeader(''),
    'a negative length': withHeader('Content-Length: -2'),
    'a signed length': withHeader('Content-Length: +2'),
    'a length with letters': withHeader('Content-Length: 12abc'),
    'a hexadecimal length': withHeader('Content-Length: 0x2'),
    'a fraction': withHeader('Content-Length: 2.0'),
    'an empty length': withHeader('Content-Length:'),
    'two lengths, even if equal': withHeader('Content-Length: 2\r\nContent-Length: 2'),
    'two lengths of different case': withHeader('Content-Length: 2\r\ncontent-length: 2'),
    'a length of 10^12': withHeader('Content-Length: 1000000000000'),
    'a length with leading zeros beyond ten digits': withHeader('Content-Length: 00000000002'),
    'length zero': 'Content-Length: 0\r\n\r\n',
    'a line without a colon': withHeader('Content-Length: 2\r\nnonsense'),
    'a blank before the colon': withHeader('Content-Length : 2'),
    'a folded line': withHeader('Content-Length: 2\r\n folded: 1'),
    'a control character': withHeader('Content-Length: 2\r\nX: \u0000'),
    'a bare line feed': withHeader('Content-Length: 2\nX: 1'),
    'more than 16 lines': withHeader(`Content-Length: 2${'\r\nX: 1'.repeat(16)}`),
    'more than 8 KiB in one chunk': withHeader(`Content-Length: 2\r\nX: ${'1'.repeat(maxHeaderBytes)}`),
    'more than 8 KiB without an end': 'X'.repeat(maxHeaderBytes),
  }
  for (const [name, bytes] of Object.entries(faults)) {
    it(`${name}`, () => {
      expect(failureOf(bytes).kind).toBe('protocolViolation')
      expect(failureOf(...bytes.split('')).kind).toBe('protocolViolation')
    })
  }
})

describe('a body that is out of order is a violation', () => {
  const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const bodies: Record<string, Buffer> = {
    'no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    'an overlong sequence': Buffer.from([0x22, 0xc0, 0x80, 0x22]),
    'a surrogate in UTF-8': Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    'no JSON': Buffer.from('{"a":'),
    'JSON with something behind it': Buffer.from('{} {}'),
    'a byte order mark': Buffer.from('\ufeff{}'),
    'a NUL byte': Buffer.from('{"a":"\u0000"}'),
    null: Buffer.from('null'),
    'an array, which is a batch': Buffer.from('[{}]'),
    'a number': Buffer.from('42'),
    'a string': Buffer.from('"{}"'),
    'an array nested 100,000 deep': Buffer.from(nested),
  }
  for (const [name, body] of Object.entries(bodies)) {
    it(`${name}`, () => {
      const { parser: frames } = parser(1_000_000)
      const chunk = Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])
      expect(() => frames.push(chunk)).toThrow(expect.objectContaining({ kind: 'protocolViolation' }))
    })
  }
})

describe('the parser', () => {
  it('delivers what came before a fault, and nothing after it', () => {
    const { parser: frames, messages } = parser()
    const chunk = Buffer.concat([encode({ a: 1 }), Buffer.from(withHeader('nonsense')), encode({ b: 2 })])
    expect(() => frames.push(chunk)).toThrow('nonsense')
    expect(() => frames.push(encode({ c: 3 }))).toThrow('nonsense')
    expect(messages).toEqual([{ a: 1 }])
  })

  it('holds no more than what came when a large body is announced', () => {
    const { parser: frames } = parser(100_000_000)
    frames.push(Buffer.from('Content-Length: 100000000\r\n\r\nx'))
    expect(frames.bufferedBytes).toBeLessThanOrEqual(64 * 1024)
  })

  it('takes linear time for a body of one mebibyte that dribbles in', () => {
    const { parser: frames, messages } = parser(2 ** 21)
    const bytes = encode({ text: 'x'.repeat(2 ** 20) }, 2 ** 21)
    const started = performance.now()
    for (let at = 0; at < bytes.length; at += 1) frames.push(bytes.subarray(at, at + 1))
    expect(messages).toHaveLength(1)
    // About 0.3 s; with a rescan or a copy per byte it would be minutes.
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('gives back any sequence of messages, wherever the bytes are cut', () => {
    const values = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { noNullPrototype: true })
    fc.assert(
      fc.property(fc.array(values, { maxLength: 6 }), fc.array(fc.nat()), (sent, cuts) => {
        const large = 1_000_000
        const bytes = Buffer.concat(sent.map((message) => encode(message, large)))
        const { parser: frames, messages } = parser(large)
        const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
        for (const [index, from] of [0, ...places].entries()) {
          frames.push(bytes.subarray(from, places[index] ?? bytes.length))
        }
        expect(messages).toEqual(JSON.parse(JSON.stringify(sent)))
        expect(frames.phase).toBe('between')
      }),
    )
  })

  it('answers garbage with messages or one violation, and never holds more than its limits', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('Content-Length: ', '\r\n', '\r\n\r\n', '2', '{}', '4000', ': ', 'X: y', '\ud83c')
        .map(Buffer.from),
      fc.nat({ max: 20_000 }).map((size) => Buffer.alloc(size, 'z')),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { parser: frames } = parser()
        for (const bytes of pieces) {
          try {
            frames.push(bytes)
          } catch (error) {
            expect(ConetError.is(error, 'protocolViolation')).toBe(true)
          }
          expect(frames.bufferedBytes).toBeLessThanOrEqual(maxHeaderBytes)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('the encoder', () => {
  it('refuses a message that is larger than the other side takes', () => {
    expect(() => encodeFrame({ text: 'ü'.repeat(50) }, 100)).toThrow(
      expect.objectContaining({ kind: 'messageTooLarge', details: { bytes: 111, maxBytes: 100 } }),
    )
  })

  it('counts bytes, not characters', () => {
    expect(encodeFrame({ a: 'ü' }, 100)).toEqual({
      text: 'Content-Length: 10\r\n\r\n{"a":"ü"}',
      bytes: 32,
    })
  })
})
