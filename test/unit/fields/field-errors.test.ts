// What a person reads of a field that a schema refuses: no expression, no word of JSON Schema.
import { readFileSync } from 'node:fs'
import { fieldErrors, firstFieldError, firstFieldErrors, protocolDocument } from '@conet/sdk'
import { routes } from '@conet/sdk/api'
import { PolicyDocument } from '@conet/sdk/bridge-network'
import { faultOfForm, forms } from '@conet/sdk/forms'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'

function faultsOf(schema: object, value: unknown): string[] {
  const validate = new Ajv({ allErrors: true, verbose: true, strict: false }).compile(schema)
  validate(value)
  return fieldErrors(validate.errors).map(({ path, message }) => `${path} ${message}`.trim())
}

const property = (schema: object, value: unknown) =>
  faultsOf({ type: 'object', properties: { x: schema } }, { x: value })

describe('the fault of a field', () => {
  it.each<[string, object, unknown, string]>([
    ['a type', { type: 'string' }, 5, 'x must be text; found 5'],
    ['several types', { type: ['string', 'null'] }, 5, 'x must be text or null; found 5'],
    ['a list for an object', { type: 'object' }, [1], 'x must be an object; found a list'],
    [
      'a number for a range',
      { type: 'integer', minimum: 68, maximum: 9000 },
      12,
      'x must be a whole number from 68 to 9000; found 12',
    ],
    [
      'text for a range',
      { type: 'integer', minimum: 68, maximum: 9000 },
      '68',
      'x must be a whole number from 68 to 9000; found "68"',
    ],
    ['a number too small', { type: 'number', exclusiveMinimum: 0 }, 0, 'x must be a number above 0; found 0'],
    ['an unknown value', { enum: ['l2', 'l3'] }, 'l4', 'x must be one of "l2", "l3"; found "l4"'],
    ['empty text', { type: 'string', minLength: 1 }, '', 'x must not be empty'],
    ['long text', { type: 'string', maxLength: 4 }, 'abcde', 'x must have at most 4 characters; it has 5'],
    [
      'a known form',
      { type: 'string', pattern: forms.interfaceName.pattern },
      'a/b',
      'x must be 1 to 15 characters without white space, "/", ":" and "%", such as eth0; found "a/b"',
    ],
    [
      'a text that is shown in part',
      { type: 'string', pattern: forms.networkName.pattern },
      `${'a'.repeat(63)}\n`,
      `x must be ${forms.networkName.words}, such as web-1; found "${'a'.repeat(59)}… (64 characters)`,
    ],
    [
      'a type where the form is known',
      { type: 'string', pattern: forms.driverName.pattern },
      1,
      'x must be 1 to 63 lower-case letters, digits, "." or "-", with a letter or digit at both ends, such as bridge; found 1',
    ],
    [
      "a vendor's form with an example",
      { type: 'string', pattern: '^v[0-9]+$', examples: ['v1'], description: 'The VLAN' },
      '7',
      'x must be of another form, such as "v1" (The VLAN); found "7"',
    ],
    ['too many entries', { type: 'array', maxItems: 1 }, [1, 2], 'x must have at most 1 entry'],
    [
      'an entry twice',
      { type: 'array', uniqueItems: true },
      [1, 1],
      'x has the same entry twice, at 0 and 1',
    ],
    [
      'an unknown member',
      { type: 'object', properties: { mtu: {} }, additionalProperties: false },
      { mut: 1 },
      'x.mut is not known here; known are mtu',
    ],
    [
      'a member where there are none',
      { type: 'object', properties: {}, additionalProperties: false },
      { mtu: 1 },
      'x.mtu is not known here: nothing is',
    ],
    ['a missing member', { type: 'object', required: ['mtu'] }, {}, 'x.mtu is required'],
    [
      'a member with a slash',
      { type: 'object', additionalProperties: { type: 'string' } },
      { 'a/b': 1 },
      'x.a/b must be text; found 1',
    ],
  ])('of %s is said in words', (_what, schema, value, expected) => {
    expect(property(schema, value)).toEqual([expected])
  })

  it('never shows more than the beginning of a text, nor what an object holds', () => {
    expect(property({ enum: [1] }, 'p'.repeat(5000))[0]?.length).toBeLessThan(120)
    expect(property({ type: 'string' }, { password: 'secret' })).toEqual(['x must be text; found an object'])
  })
})

describe('the fault of alternatives', () => {
  const schema = {
    properties: {
      x: {
        anyOf: [
          { type: 'string', pattern: forms.key.pattern },
          {
            type: 'object',
            required: ['network'],
            additionalProperties: false,
            properties: { network: { type: 'string' } },
          },
        ],
      },
    },
  }
  const first = (x: unknown) => {
    const validate = new Ajv({ verbose: true, strict: false }).compile(schema)
    validate({ x })
    return firstFieldError(validate.errors)
  }

  it('names all of them, that of the type that was meant, or what is wrong inside', () => {
    expect(first(5)).toEqual({
      path: 'x',
      message: expect.stringMatching(/^must be a name or an id: .*, or an object; found 5$/),
    })
    expect(first('../x')?.message).toMatch(/^must be a name or an id: [^,]*.*such as web-1; found "\.\.\/x"$/)
    expect(first({ network: 'a', bogus: 1 })).toEqual({
      path: 'x.bogus',
      message: 'is not known here; known are network',
    })
  })
})

describe('of a body of the API', () => {
  const faultsOfBody = (body: unknown) => {
    const validate = new Ajv({ verbose: true, strict: false }).compile(routes.createNetwork.body)
    validate(body)
    return firstFieldErrors(validate.errors).map(({ path, message }) => `${path} ${message}`)
  }

  it('what nobody knows is told beside what is missing', () => {
    expect(faultsOfBody({ name: 'x', driver: 'bridge', internal: true })).toEqual([
      'type is required',
      expect.stringMatching(/^driver is not known here; known are name, generate_name, type, /),
    ])
    expect(faultsOfBody({ name: 'x' })).toEqual(['type is required'])
  })

  it('a label that has another value than text is told what a label is', () => {
    expect(faultsOfBody({ type: 'bridge', labels: { a: null } })).toEqual([
      'labels.a must be the value of a label, text of at most 4096 characters without a zero character, such as prod; found null',
    ])
  })
})

describe('a wrong place has one fault', () => {
  const faultsOfPolicy = (document: unknown) => faultsOf(PolicyDocument, document)

  it('where the schema has alternatives', () => {
    const words = { anyOf: [{ type: 'integer', minimum: 0 }, { const: 'all' }, { const: 'tcp' }] }
    expect(property(words, 'x')).toEqual([
      'x must be a whole number of at least 0, or one of "all", "tcp"; found "x"',
    ])
    expect(property({ oneOf: [{ const: 'all' }, { const: 'tcp' }] }, 7)).toEqual([
      'x must be one of "all", "tcp"; found 7',
    ])
    expect(property({ anyOf: [{ anyOf: [{ const: 1 }, { const: 2 }] }, { type: 'null' }] }, 7)).toEqual([
      'x must be null, or one of 1, 2; found 7',
    ])
    expect(property({ oneOf: [{ type: 'integer' }, { type: 'number' }, { type: 'string' }] }, 7)).toEqual([
      'x has several of the forms of which it may have one',
    ])
  })

  it.each<[object, string[]]>([
    [
      { net_out: [{ protocol: 7, action: 'x' }] },
      [
        'net_out[0].protocol must be one of "all", "tcp", "udp", "icmp", "icmpv6", "sctp", 0, 1, 2, 3, 4; found 7',
        'net_out[0].action must be one of "allow", "deny"; found "x"',
      ],
    ],
    [
      { net_out: [{ networks: [5, {}, '', { start: 5 }] }] },
      [
        'net_out[0].networks[0] must be text, or an object; found 5',
        'net_out[0].networks[2] must not be empty',
        'net_out[0].networks[3].start must be text; found 5',
      ],
    ],
    [{ limits: 5 }, ['limits must be an object; found 5']],
    [{ limits: { rat: 5 } }, ['limits.rat is not known here; known are rate, burst, ingress, egress']],
    [
      { limits: { rate: 0 } },
      [expect.stringMatching(/^limits\.rate must be a whole number from 1000 .*found 0$/)],
    ],
    [
      { limits: { ingress: { rate: -1 }, egress: {} } },
      [expect.stringMatching(/^limits\.ingress\.rate must be .*found -1$/), 'limits.egress.rate is required'],
    ],
  ])('in a policy: %j', (document, expected) => {
    expect(faultsOfPolicy(document)).toEqual(expected)
  })
})

/** Every `pattern`, and every key of `patternProperties`, below. */
function patternsIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => {
    if (key === 'pattern' && typeof member === 'string') return [member]
    const keys = key === 'patternProperties' ? Object.keys(member) : []
    return [...keys, ...patternsIn(member)]
  })
}

it('every form that a schema of conet asks for has its words, and an example that has the form', () => {
  const config: unknown = JSON.parse(
    readFileSync(new URL('../../../host/config.schema.json', import.meta.url), 'utf8'),
  )
  const known = new Set<unknown>(Object.values(forms).map(({ pattern }) => pattern))
  const patterns = [...patternsIn(routes), ...patternsIn(protocolDocument()), ...patternsIn(config)]
  expect(patterns.length).toBeGreaterThan(20)
  expect(patterns.filter((pattern) => pattern !== '^.*$' && !known.has(pattern))).toEqual([])
  for (const form of Object.values(forms))
    expect(faultOfForm(form.example, form), form.example).toBeUndefined()
})
