import { readFileSync } from 'node:fs'
import { errorPage } from '@conet/host/api/error-page'
import { configSchemaDocument } from '@conet/host/conetd/config-schema'
import { catalogue } from '@conet/sdk'
import { expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

it('docs/errors.md says what the code says: npm run generate', () => {
  expect(read('docs/errors.md')).toBe(errorPage())
  for (const [kind, { code }] of Object.entries(catalogue)) {
    expect(errorPage()).toContain(`## ${kind}\n\ncode ${code} · `)
  }
})

it('host/config.schema.json is the schema that conetd checks with: npm run generate', () => {
  expect(JSON.parse(read('host/config.schema.json'))).toEqual(
    JSON.parse(JSON.stringify(configSchemaDocument())),
  )
})
