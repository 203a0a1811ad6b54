import { compiledSchema } from '@conet/host/drivers/compiled-schemas'
import { describe, expect, it } from 'vitest'

const schemaOf = (title: string) => ({ title, type: 'object', properties: { mtu: { type: 'integer' } } })
const compiled = (schema: ReturnType<typeof schemaOf>) => compiledSchema(schema, JSON.stringify(schema))

describe('the validator of a schema', () => {
  it('is compiled once for a driver that comes again and again with the same', () => {
    const first = compiled(schemaOf('one'))
    for (let time = 0; time < 3; time++) expect(compiled(schemaOf('one')).validate).toBe(first.validate)
    expect(compiled({ ...schemaOf('one'), type: 'array' }).validate).not.toBe(first.validate)
  })

  it('is let go when others have come since, but not while it is used', () => {
    const [used, unused] = [compiled(schemaOf('used')), compiled(schemaOf('unused'))]
    for (let n = 0; n < 60; n++) {
      compiled(schemaOf(`other ${n}`))
      expect(compiled(schemaOf('used')).validate).toBe(used.validate)
    }
    expect(compiled(schemaOf('unused')).validate).not.toBe(unused.validate)
  })

  it('is not kept if the schema is large, or wrong', () => {
    const large = schemaOf('x'.repeat(40_000))
    expect(compiled(large).validate).not.toBe(compiled(large).validate)
    const wrong = { type: 'nothing' }
    for (let time = 0; time < 2; time++)
      expect(() => compiledSchema(wrong, JSON.stringify(wrong))).toThrow(/type/)
  })
})
