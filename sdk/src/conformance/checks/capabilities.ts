// What a driver says it can do, held against what it does.
import { Ajv, type AnySchema } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { requests } from '../../protocol/index.ts'
import { isJson } from '../wire/strict-parser.ts'
import type { ActiveCheck } from './check.ts'
import { expect, Violation } from './verdicts.ts'

const methodNotFound = -32601
const mostSchemaBytes = 256 * 1024
const required = Object.entries(requests).flatMap(([method, entry]) => (entry.required ? [method] : []))
const optional = Object.entries(requests).flatMap(([method, entry]) => (entry.required ? [] : [method]))

export const capabilityChecks: readonly ActiveCheck[] = [
  {
    id: 'capabilities.required-methods',
    title: 'the capabilities list every required method',
    level: 'core',
    rules: ['HS-8'],
    sends: 'nothing: it reads capabilities.methods of the introduction',
    why: 'The host does not use a driver that lacks one.',
    mend: 'Implement the method, and list it.',
    async run({ introduction: { capabilities } }) {
      const missing = required.filter(
        (method) => method !== 'initialize' && !capabilities.methods.includes(method),
      )
      expect(missing.length === 0, 'methods are missing', { expected: required, found: capabilities.methods })
    },
  },
  {
    id: 'capabilities.listed-are-answered',
    title: 'no method that is listed is answered -32601',
    level: 'core',
    rules: ['HS-8'],
    sends: 'each listed method, with empty params',
    why: 'The host calls what is listed, at the moment it needs it.',
    mend: 'Derive the list from the functions that you have.',
    async run(kit) {
      using host = await kit.connect()
      // A drain with no params would be a true one; the checks on drain see whether it is there.
      const methods = kit.introduction.capabilities.methods.filter((method) => method !== 'driver/drain')
      for (const method of methods.filter((name) => name !== 'initialize')) {
        const reply = await host.request(method, {})
        const isUnknown = 'error' in reply && reply.error.code === methodNotFound
        expect(!isUnknown, `${method} is listed and not there`, { found: reply })
      }
    },
  },
  {
    id: 'capabilities.unlisted-are-refused',
    title: 'optional methods that are not listed are answered -32601',
    level: 'core',
    rules: ['HS-8', 'RPC-3'],
    sends: 'driver/probe and driver/drain, where they are not listed',
    why: 'What is there and not listed is never used; what is neither must not seem to succeed.',
    mend: 'List every method that you answer.',
    async run(kit) {
      using host = await kit.connect()
      const { methods } = kit.introduction.capabilities
      for (const method of optional.filter((name) => !methods.includes(name))) {
        const reply = await host.request(method, {})
        const isUnknown = 'error' in reply && reply.error.code === methodNotFound
        expect(isUnknown, `${method} is not listed and was answered otherwise`, {
          expected: methodNotFound,
          found: reply,
        })
      }
    },
  },
  {
    id: 'capabilities.hot-upgrade',
    title: 'a driver with hotUpgrade offers driver/drain',
    level: 'core',
    profile: 'hotUpgrade',
    rules: ['UPG-1'],
    sends: 'nothing: it reads the introduction',
    why: 'The host drains the old instance when the new one takes over.',
    mend: 'Implement driver/drain, or leave hotUpgrade out.',
    async run({ introduction: { capabilities } }) {
      const hasDrain = capabilities.methods.includes('driver/drain')
      expect(hasDrain, 'driver/drain is missing', { found: capabilities.methods })
    },
  },
  {
    id: 'capabilities.schemas',
    title: 'published schemas are valid, stand alone, and are not too large',
    level: 'core',
    rules: ['HS-9'],
    sends: 'nothing: it compiles the schemas of the introduction',
    why: 'The host checks users’ documents against them, and rejects a driver whose schemas it cannot use.',
    mend: 'JSON Schema of draft-07 or 2020-12 without references to elsewhere, at most 256 KiB each.',
    async run({ introduction: { configSchema, attachmentSchema, policySchema } }) {
      for (const [name, schema] of Object.entries({ configSchema, attachmentSchema, policySchema })) {
        if (schema !== undefined) assertUsable(name, schema)
      }
    },
  },
]

function assertUsable(name: string, schema: AnySchema): void {
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  expect(bytes <= mostSchemaBytes, `${name} is too large`, { expected: mostSchemaBytes, found: bytes })
  expect(!(isJson(schema) && schema.$async === true), `${name} is asynchronous`)
  try {
    compilerFor(schema).compile(schema)
  } catch (error) {
    throw new Violation(`${name} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function compilerFor(schema: AnySchema): Ajv | Ajv2020 {
  const dialect = isJson(schema) && typeof schema.$schema === 'string' ? schema.$schema : ''
  const options = { strict: false, logger: false } as const
  return dialect.includes('2020-12') ? new Ajv2020(options) : new Ajv(options)
}
