// Messages of the protocol with something wrong in them. A tame one has its envelope in order, so that its receiver must
// answer or ignore it and go on; a wild one may cost its connection, and nothing else.
import fc from 'fast-check'
import { encode, isJsonObject, type JsonObject } from '../zoo/wire.ts'

export type Message = JsonObject & { readonly method: string }

const nested = (depth: number): unknown => (depth === 0 ? {} : [nested(depth - 1)])

const strangeValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x',
  'x'.repeat(5_000),
  'a\u0000b',
  '\ud800',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '10.0.0.0/99',
  'f'.repeat(64),
  [],
  {},
  [null],
  nested(500),
  Object.fromEntries(['toString', 'length', 'then'].map((key) => [key, {}])),
  Array.from({ length: 200 }, (_, number) => number),
]

const strangeKeys = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'then',
  '_meta',
  'id',
  'method',
  'x'.repeat(300),
]

const strange = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...strangeValues) },
  { weight: 1, arbitrary: fc.jsonValue() },
)

/** Messages with one to three faults in their params, or in the name of their method. */
export function tame(corpus: readonly Message[]): fc.Arbitrary<Message> {
  const good = fc.constantFrom(...corpus)
  return fc.oneof(
    {
      weight: 1,
      arbitrary: good.chain((message) => methodOf(message).map((method) => ({ ...message, method }))),
    },
    { weight: 1, arbitrary: fc.tuple(good, strange).map(([message, params]) => ({ ...message, params })) },
    {
      weight: 18,
      arbitrary: fc
        .tuple(good, fc.integer({ min: 1, max: 3 }))
        .chain(([message, faults]) =>
          faulty(message.params, faults).map((params) => ({ ...message, params })),
        ),
    },
  )
}

/** The bytes of messages whose envelope, text or frame is wrong. */
export function wild(corpus: readonly Message[]): fc.Arbitrary<Buffer> {
  return fc.constantFrom(...corpus).chain((message) =>
    fc.oneof(envelopeOf(message), textOf(message), headerOf(message), {
      weight: 2,
      arbitrary: bytesOf(message),
    }),
  )
}

function methodOf({ method }: Message): fc.Arbitrary<string> {
  const others = [
    `${method}/x`,
    method.toUpperCase(),
    `$/${method}`,
    'toString',
    '__proto__',
    'x'.repeat(256),
  ]
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...others) },
    fc.string({ minLength: 1, maxLength: 60 }),
  )
}

function faulty(value: unknown, faults: number): fc.Arbitrary<unknown> {
  if (faults === 0) return fc.constant(value)
  return changed(value).chain((other) => faulty(other, faults - 1))
}

/** One value somewhere in it replaced, taken away or added. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value)) return fc.oneof(strange, { weight: 3, arbitrary: changedItem(value) })
  if (isJsonObject(value)) return fc.oneof(strange, { weight: 3, arbitrary: changedMember(value) })
  return strange
}

function changedItem(items: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .nat({ max: items.length })
    .chain((at) => changed(items[at]).map((item) => items.toSpliced(at, 1, item)))
}

function changedMember(value: JsonObject): fc.Arbitrary<unknown> {
  const members = Object.entries(value)
  const added = fc
    .tuple(fc.oneof(fc.constantFrom(...strangeKeys), fc.string()), strange)
    .map(([key, member]) => ({ ...value, [key]: member }))
  if (members.length === 0) return added
  const one = fc.constantFrom(...members)
  const left = one.map(([key]) => Object.fromEntries(members.filter(([name]) => name !== key)))
  const other = one.chain(([key, member]) => changed(member).map((strayed) => ({ ...value, [key]: strayed })))
  return fc.oneof(added, left, { weight: 6, arbitrary: other })
}

function envelopeOf(message: Message): fc.Arbitrary<Buffer> {
  const key = fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error')
  return fc.tuple(key, strange).map(([name, value]) => encode({ ...message, [name]: value }))
}

const strangeTexts = ['"', '{', ']', ',', '\\u', '\u0000', '1e999', ' '.repeat(1_000), '//', '\ufeff']

function textOf(message: Message): fc.Arbitrary<Buffer> {
  const text = JSON.stringify(message)
  return fc
    .tuple(fc.nat({ max: text.length }), fc.nat({ max: 2 }), fc.constantFrom(...strangeTexts))
    .map(([at, gone, inserted]) => {
      const body = Buffer.from(text.slice(0, at) + inserted + text.slice(at + gone))
      return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])
    })
}

function headerOf(message: Message): fc.Arbitrary<Buffer> {
  const text = JSON.stringify(message)
  return fc
    .constantFrom(
      'Content-Length: -1',
      'Content-Length: 1e3',
      `Content-Length: ${Number.MAX_SAFE_INTEGER}`,
      'Content-Length: 99999999',
      'Content-Length:',
      'content length: 3',
      `Content-Length: ${text.length}\r\nContent-Length: ${text.length}`,
      `X: ${'x'.repeat(9_000)}`,
      'X: 1\r\n'.repeat(20),
      '\u0000\u0001',
      'GET / HTTP/1.1',
      '',
    )
    .map((header) => Buffer.from(`${header}\r\n\r\n${text}`))
}

/** A few bytes of the frame are others, or it ends before its time. */
function bytesOf(message: Message): fc.Arbitrary<Buffer> {
  const whole = encode(message)
  const place = fc.nat({ max: whole.length - 1 })
  const faults = fc.array(fc.tuple(place, fc.nat({ max: 255 })), { maxLength: 3 })
  return fc.tuple(faults, fc.option(place)).map(([changes, end]) => {
    const bytes = Buffer.from(whole)
    for (const [at, byte] of changes) bytes[at] = byte
    return end === null ? bytes : bytes.subarray(0, end + 1)
  })
}
