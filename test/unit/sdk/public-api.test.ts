import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedNames, publicApiOfPackage } from '../../support/public-api.ts'
import { repository } from '../../support/repository.ts'

const sdk = publicApiOfPackage(join(repository, 'sdk'))

describe('what the SDK exports', () => {
  it('is what sdk/exports.json says: npm run generate, if the change is meant', () => {
    const pinned = JSON.parse(readFileSync(join(repository, 'sdk/exports.json'), 'utf8'))
    expect(exportedNames(join(repository, 'sdk'))).toEqual(pinned)
  })

  it.each(Object.entries(sdk))('has a comment on every name: %s', (_entry, api) => {
    const silent = [...api].filter(([, comment]) => comment === '').map(([name]) => name)
    expect(api.size).toBeGreaterThan(0)
    expect(silent).toEqual([])
  })
})
