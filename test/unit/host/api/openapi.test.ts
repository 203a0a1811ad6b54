import { type RouteEntry, routes } from '@conet/sdk/api'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import { apiFixture } from './api-fixture.ts'

it('GET /openapi.json is valid OpenAPI 3.1 and has every route of the table', async () => {
  await using api = await apiFixture()
  const document = (await api.app.inject({ method: 'GET', url: '/openapi.json' })).json()
  const validator = new Validator()
  const result = await validator.validate(document)
  expect(result.errors ?? []).toEqual([])
  expect(validator.version).toBe('3.1')
  for (const { method, path, statuses } of Object.values<RouteEntry>(routes)) {
    const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
    expect(operation, `${method} ${path}`).toBeDefined()
    for (const status of statuses) expect(operation.responses[status]).toBeDefined()
  }
})
