import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type CallMeta, notifications, protocolDocument, requests } from '@conet/sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'

const published: unknown = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('@conet/sdk/protocol.schema.json'), 'utf8'),
)

function validator(definition: string) {
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema(protocolDocument(), 'protocol')
  const validate = ajv.getSchema(`protocol#/$defs/${definition}`)
  if (validate === undefined) throw new Error(`no definition of ${definition}`)
  return (value: unknown) => validate(value)
}

describe('protocol.schema.json', () => {
  it('is what the tables of the code say; if not: npm run generate', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(protocolDocument())))
  })

  it('[D16] names every method, with a schema that a validator of JSON Schema 2020-12 takes', () => {
    const { methods } = protocolDocument()
    expect(Object.keys(methods ?? {})).toEqual([...Object.keys(requests), ...Object.keys(notifications)])
    for (const definition of [
      'EndpointPlugParams',
      'EndpointPlugResult',
      'DriverSyncParams',
      'DriverLogParams',
    ]) {
      expect(validator(definition)({ level: 7 })).toBe(false)
    }
    expect(validator('EndpointPlugResult')({ interfaces: [] })).toBe(true)
  })

  it('has `_meta` in the parameters of every call, and lets it be absent', () => {
    const isParams = validator('NetworkDeleteParams')
    const networkId = 'a'.repeat(64)
    const meta: CallMeta = { operationId: 'o', attempt: 1, timeoutMs: 10 }
    expect(isParams({ networkId, _meta: meta })).toBe(true)
    expect(isParams({ networkId })).toBe(true)
    expect(isParams({ networkId, _meta: { ...meta, timeoutMs: 0 } })).toBe(false)
  })
})
