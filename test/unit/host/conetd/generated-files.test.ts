import { readdirSync, readFileSync } from 'node:fs'
import { errorPage } from '@conet/host/api/error-page'
import { ConfigFile, configSchemaDocument } from '@conet/host/conetd/config-schema'
import { catalogue } from '@conet/sdk'
import { expect, it } from 'vitest'

const inRepository = (path: string) => new URL(`../../../../${path}`, import.meta.url)
const read = (path: string) => readFileSync(inRepository(path), 'utf8')

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

it('docs/operating.md has every setting, and explains every code of a finding', () => {
  const page = read('docs/operating.md')
  const files = readdirSync(inRepository('host/src/status')).filter((name) => name.endsWith('-checks.ts'))
  const sources = files.map((name) => read(`host/src/status/${name}`)).join('')
  const codes = [...sources.matchAll(/(?:forwardingOff\(|: |\?\? )'([a-z0-9]+(?:-[a-z0-9]+)+)'/g)].map(
    ([, code]) => code,
  )
  expect(codes.length).toBeGreaterThan(20)
  for (const code of codes) expect(page).toContain(`\`${code}\``)
  const keys = Object.keys(ConfigFile.properties).filter((key) => key !== '$schema')
  for (const key of keys) expect(page).toContain(`\`${key}`)
})
