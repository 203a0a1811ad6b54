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

it('GET /openapi.json has none of Garden’s calls where they are switched off', async () => {
  await using api = await apiFixture({}, { servesLegacyApi: false })
  const { paths } = (await api.app.inject({ method: 'GET', url: '/openapi.json' })).json()
  expect(Object.keys(paths).filter((path) => path.startsWith('/garden'))).toEqual([])
})

it('GET /openapi.json names every object of the API once, failures too, and has no constructs that generators stumble over', async () => {
  await using api = await apiFixture()
  const text = (await api.app.inject({ method: 'GET', url: '/openapi.json' })).body
  const { components, paths } = JSON.parse(text)
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([A-Za-z]+)"/g)].map(
    ([, name]) => name,
  )
  for (const name of references) expect(Object.keys(components.schemas)).toContain(name)
  expect(components.responses.Problem.content['application/problem+json'].schema.$ref).toMatch(/Problem$/)
  expect(paths['/containers/{handle}'].get.responses[200].content['application/json'].schema.$ref).toMatch(
    /ContainerView$/,
  )
  expect(paths['/networks'].post.requestBody.content['application/json'].schema.$ref).toMatch(
    /CreateNetworkBody$/,
  )
  expect(text).not.toMatch(/"(patternProperties|const)":/)
})

it('GET /openapi.json says where a body has room for keys of the client’s own', async () => {
  await using api = await apiFixture()
  const { components } = (await api.app.inject({ method: 'GET', url: '/openapi.json' })).json()
  const { ContainerConfigBody, ContainerView, NetworkSpec } = components.schemas
  expect(ContainerConfigBody.additionalProperties).toBe(true)
  expect(NetworkSpec.additionalProperties).toBe(false)
  expect(NetworkSpec.properties.config.anyOf[0].additionalProperties).toEqual({})
  expect(ContainerView.properties.config.additionalProperties).toEqual({})
})
