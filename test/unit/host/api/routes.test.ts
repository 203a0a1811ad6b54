import { ConetError } from '@conet/sdk'
import { type Problem, type RouteEntry, routes } from '@conet/sdk/api'
import { KernelError } from '@conet/sdk/linux'
import { Compile } from 'typebox/compile'
import { describe, expect, it } from 'vitest'
import { apiFixture, container, endpoint, endpointId, network, networkId } from './api-fixture.ts'

const json = { 'content-type': 'application/json' }

describe('answers', () => {
  it('fit the replies that the route table promises', async () => {
    await using api = await apiFixture({
      createNetwork: async () => ({ network, created: true }),
      configureContainer: async () => ({ container, created: false }),
      plug: async () => endpoint,
      unplug: async () => 'deleting',
    })
    const asked = [
      { entry: routes.createNetwork, url: '/networks', body: { name: 'blue', type: 'null' }, status: 201 },
      { entry: routes.listNetworks, url: '/networks', status: 200 },
      { entry: routes.getNetwork, url: '/networks/blue', status: 200 },
      { entry: routes.getNetwork, url: `/networks/${networkId.slice(0, 4)}`, status: 200 },
      {
        entry: routes.putContainerConfig,
        url: '/containers/web/config',
        body: { attach_to: [] },
        status: 200,
      },
      { entry: routes.getDefaultPolicy, url: '/networks/blue/default_policy', status: 200 },
      { entry: routes.getContainerConfig, url: '/containers/web/config', status: 200 },
      { entry: routes.listContainers, url: '/containers', status: 200 },
      { entry: routes.getContainer, url: '/containers/web', status: 200 },
      { entry: routes.plug, url: '/containers/web/endpoints', body: { network: 'blue' }, status: 201 },
      { entry: routes.unplug, url: `/containers/web/endpoints/${endpointId}`, status: 202 },
      { entry: routes.listDrivers, url: '/drivers', status: 200 },
      { entry: routes.health, url: '/healthz', status: 200 },
    ]
    for (const { entry, url, body, status } of asked) {
      const answer = await api.app.inject({ method: entry.method, url, ...(body ? { payload: body } : {}) })
      expect(answer.statusCode, `${entry.method} ${url}: ${answer.body}`).toBe(status)
      const problems = [...Compile(entry.reply).Errors(answer.json())]
      expect(problems, `${entry.method} ${url}`).toEqual([])
    }
  })

  it('show a container with its further configuration, sandbox, attachment and endpoint', async () => {
    await using api = await apiFixture()
    const answer = await api.app.inject({ method: 'GET', url: '/containers/web' })
    expect(answer.json()).toMatchObject({
      state: 'up',
      config: { extra: { kept: true } },
      sandbox: { owner: 'conet' },
      attachments: [{ name: 'blue', network_name: 'blue', endpoint_id: endpointId }],
      endpoints: [{ interfaces: [{ name: 'eth0', mac_address: '02:42:0a:01:00:02', default_route: true }] }],
    })
  })

  it('hand the documents of users over untouched', async () => {
    const given: unknown[] = []
    await using api = await apiFixture({
      createNetwork: async (body) => {
        given.push(body)
        return { network, created: false }
      },
    })
    const body = { name: 'n', type: 'null', config: { snake_case: 1, camelCase: [null, '1', 1.5], '': {} } }
    const answer = await api.app.inject({ method: 'POST', url: '/networks', payload: body })
    expect(answer.statusCode).toBe(200)
    expect(given).toEqual([body])
  })

  it('take null for a member that is optional as if it were absent, and for nothing else', async () => {
    const given: unknown[] = []
    await using api = await apiFixture({
      createNetwork: async (body) => {
        given.push(body)
        return { network, created: false }
      },
    })
    const post = (payload: object) => api.app.inject({ method: 'POST', url: '/networks', payload })
    const nils = { config: null, labels: null, dns: null, default_policy: null, name: null, ipv4: null }
    const subnets = [{ subnet: '10.0.0.0/8', exclude: null, gateway: null }]
    expect((await post({ type: 'null', ...nils, subnets })).statusCode).toBe(200)
    expect((await post({ type: 'null', subnets: null, config: { own: null } })).statusCode).toBe(200)
    expect(given).toEqual([
      { type: 'null', subnets: [{ subnet: '10.0.0.0/8' }] },
      { type: 'null', config: { own: null } },
    ])
    for (const wrong of [
      { type: null },
      { type: 'null', labels: { a: null } },
      { type: 'null', subnets: [null] },
    ])
      expect((await post(wrong)).statusCode).toBe(400)
  })
})

type Garbage = { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; url: string; body?: unknown; path: string }

const garbage: Garbage[] = [
  { method: 'POST', url: '/networks', path: 'type' },
  { method: 'POST', url: '/networks', body: [], path: 'body' },
  { method: 'POST', url: '/networks', body: 'text', path: 'body' },
  { method: 'POST', url: '/networks', body: null, path: 'body' },
  { method: 'POST', url: '/networks', body: { type: 7 }, path: 'type' },
  { method: 'POST', url: '/networks', body: { type: 'null', name: '../x' }, path: 'name' },
  { method: 'POST', url: '/networks', body: { type: 'null', internal: 'true' }, path: 'internal' },
  { method: 'POST', url: '/networks', body: { type: 'null', bogus: 1 }, path: 'bogus' },
  { method: 'POST', url: '/networks', body: { type: 'null', labels: { a: 1 } }, path: 'labels.a' },
  {
    method: 'POST',
    url: '/networks',
    body: { type: 'null', subnets: [{ subnet: '10.0.0.0/8' }, { subnet: '10.0.0.0/8', gateway: 1 }] },
    path: 'subnets[1].gateway',
  },
  { method: 'POST', url: '/networks', body: { type: 'null', labels: { '': 'x' } }, path: 'labels.' },
  { method: 'POST', url: '/networks', body: { type: 'null', labels: { a: 'b\0' } }, path: 'labels.a' },
  { method: 'PUT', url: '/containers/c/config', body: { labels: { 'a\0': 'b' } }, path: 'labels.a\0' },
  { method: 'POST', url: '/networks', body: { type: 'null', labels: { a: '\ud800' } }, path: 'labels.a' },
  { method: 'POST', url: '/networks', body: { type: 'null', labels: { '\udc00': 'a' } }, path: 'labels' },
  {
    method: 'POST',
    url: '/networks',
    body: { type: 'null', config: { list: ['\u{1f600}', { deep: 'x\udfff' }] } },
    path: 'config.list[1].deep',
  },
  { method: 'PUT', url: '/containers/c/config', body: '\ud83d', path: 'body' },
  { method: 'GET', url: '/networks/%ff', path: 'path' },
  { method: 'GET', url: '/metrics?x=1', path: 'x' },
  { method: 'GET', url: '/openapi.json?x=1', path: 'x' },
  { method: 'POST', url: '/networks?a=1', body: { type: 'null' }, path: 'a' },
  { method: 'GET', url: '/networks/..%2fx', path: 'network' },
  { method: 'GET', url: '/networks/%2e%2e%2f', path: 'network' },
  { method: 'GET', url: `/networks/${'a'.repeat(65)}`, path: 'network' },
  { method: 'GET', url: `/networks/${'a'.repeat(5000)}`, path: 'network' },
  { method: 'DELETE', url: '/networks/a%00b', path: 'network' },
  { method: 'GET', url: '/containers/..%2f..%2fetc', path: 'handle' },
  { method: 'GET', url: `/containers/${'h'.repeat(129)}`, path: 'handle' },
  { method: 'PUT', url: '/containers/%2e%2e%2fx/config', body: { attach_to: [] }, path: 'handle' },
  {
    method: 'PUT',
    url: '/containers/c/config',
    body: { network_specs: [{ name: 'a', type: 'null', conf: {} }] },
    path: 'network_specs[0].conf',
  },
  { method: 'PUT', url: '/containers/c/config', body: { attach_to: 'blue' }, path: 'attach_to' },
  { method: 'PUT', url: '/containers/c/config', body: { attach_to: [1] }, path: 'attach_to[0]' },
  {
    method: 'PUT',
    url: '/containers/c/config',
    body: { attach_to: ['x', { network: 'blue', bogus: 1 }] },
    path: 'attach_to[1].bogus',
  },
  {
    method: 'PUT',
    url: '/containers/c/config',
    body: { attach_to: [{ network: 'blue', mtu: '1500' }] },
    path: 'attach_to[0].mtu',
  },
  { method: 'POST', url: '/containers/c/endpoints', path: 'network' },
  {
    method: 'POST',
    url: '/containers/c/endpoints',
    body: { network: 'n', interface: 'a/b' },
    path: 'interface',
  },
  { method: 'POST', url: '/containers/c/endpoints', body: { network: 'n', mtu: 1e9 }, path: 'mtu' },
  { method: 'DELETE', url: '/containers/c/endpoints/..%2fx', path: 'endpoint' },
  { method: 'DELETE', url: '/containers/c', body: { force: true }, path: 'force' },
  { method: 'GET', url: '/drivers/a%2fb', path: 'driver' },
  { method: 'GET', url: '/events?since=x', path: 'since' },
]

describe('garbage', () => {
  it.each(garbage)('is refused with the name of the field: $method $url $body', async (entry) => {
    await using api = await apiFixture()
    const answer = await api.app.inject({
      method: entry.method,
      url: entry.url,
      ...(entry.body === undefined ? {} : { payload: JSON.stringify(entry.body), headers: json }),
    })
    const problem: Problem = answer.json()
    expect(answer.statusCode, answer.body).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(problem.kind).toBe('invalidArgument')
    expect(problem.fields?.map(({ path }) => path)).toEqual([entry.path])
    expect(problem.detail).toContain(entry.path)
  })

  it.each([
    { what: 'text that is no JSON', payload: '{"a"', headers: json, status: 400, field: 'body' },
    {
      what: 'a key __proto__',
      payload: '{"type":"null","config":{"__proto__":{}}}',
      headers: json,
      status: 400,
      field: 'body',
    },
    {
      what: 'deep nesting',
      payload: `{"type":"n","config":{"a":${'['.repeat(99)}${']'.repeat(99)}}}`,
      headers: json,
      status: 400,
      field: 'body',
    },
    {
      what: 'deep nesting near the limit of size',
      payload: '['.repeat(500_000) + ']'.repeat(500_000),
      headers: json,
      status: 400,
      field: 'body',
    },
    {
      what: 'a form',
      payload: 'a=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      status: 415,
      field: 'Content-Type',
    },
    {
      what: 'too much',
      payload: `"${'x'.repeat(2 * 1024 * 1024)}"`,
      headers: json,
      status: 413,
      field: 'body',
    },
  ])('in a body is refused: $what', async ({ payload, headers, status, field }) => {
    await using api = await apiFixture()
    const answer = await api.app.inject({ method: 'POST', url: '/networks', payload, headers })
    expect(answer.statusCode, answer.body).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json().fields[0].path).toBe(field)
  })

  it('as a path is no route, and a wrong method is said to be one', async () => {
    await using api = await apiFixture()
    const missing = await api.app.inject({ method: 'GET', url: '/nothing' })
    expect([missing.statusCode, missing.json().kind]).toEqual([404, 'notFound'])
    const wrong = await api.app.inject({
      method: 'PATCH',
      url: '/networks',
      payload: 'x',
      headers: { 'content-type': 'a/b' },
    })
    expect([wrong.statusCode, wrong.headers.allow]).toEqual([405, 'POST, GET, HEAD'])
    const undecodable = await api.app.inject({ method: 'GET', url: '/networks/%zz' })
    expect([undecodable.statusCode, undecodable.json().kind]).toEqual([400, 'invalidArgument'])
  })
})

describe('families', () => {
  it('[B2] the client socket does not know the runtime routes', async () => {
    await using api = await apiFixture()
    const answer = await api.app.inject({ method: 'POST', url: '/internal/containers/web/down' })
    expect(answer.statusCode).toBe(404)
  })

  it('[B2] the runtime socket serves both, takes any handle up to 1024 bytes, and a body that is left out', async () => {
    const handles: string[] = []
    await using api = await apiFixture(
      {
        up: async (handle) => {
          handles.push(handle)
          return container
        },
        down: async () => 'gone',
      },
      { family: 'runtime' },
    )
    const handle = '/weird handle/../%ü'
    const url = `/internal/containers/${encodeURIComponent(handle)}`
    expect((await api.app.inject({ method: 'POST', url: `${url}/up` })).statusCode).toBe(200)
    expect((await api.app.inject({ method: 'POST', url: `${url}/down`, headers: json })).statusCode).toBe(200)
    expect((await api.app.inject({ method: 'GET', url: '/networks' })).statusCode).toBe(200)
    expect(handles).toEqual([handle])
    const tooLong = encodeURIComponent('ü'.repeat(513))
    const refused = await api.app.inject({ method: 'POST', url: `/internal/containers/${tooLong}/up` })
    expect([refused.statusCode, refused.json().fields?.[0].path]).toEqual([400, 'handle'])
  })
})

describe('failures', () => {
  it('of the catalogue keep their words, fields, details and help', async () => {
    await using api = await apiFixture({
      deleteNetwork: async () => {
        throw new ConetError('inUse', 'delete network blue: it has 1 endpoint', {
          details: { endpoints: [endpointId] },
          help: 'unplug it first',
        })
      },
    })
    const answer = await api.app.inject({ method: 'DELETE', url: '/networks/blue' })
    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toEqual({
      type: 'urn:conet:error:inUse',
      title: 'Conflict',
      status: 409,
      detail: 'delete network blue: it has 1 endpoint',
      kind: 'inUse',
      code: 1004,
      retryable: false,
      operation_state: 'not-started',
      details: { endpoints: [endpointId] },
      help: 'unplug it first',
    })
  })

  it('that are bugs are logged, and their message stays inside', async () => {
    await using api = await apiFixture({
      plug: async () => {
        throw new TypeError('secret of the inside')
      },
    })
    const answer = await api.app.inject({
      method: 'POST',
      url: '/containers/web/endpoints',
      payload: { network: 'n' },
    })
    expect([answer.statusCode, answer.json().kind]).toEqual([500, 'internal'])
    expect(answer.body).not.toContain('secret')
    expect(api.logged.join()).toContain('secret of the inside')
    expect(api.logged.join()).toContain(answer.json().details.request)
  })
})

describe('what an operation throws', () => {
  const answerTo = async (thrown: unknown) => {
    await using api = await apiFixture({
      plug: async () => {
        throw thrown
      },
    })
    const call = { method: 'POST', url: '/containers/web/endpoints', payload: { network: 'n' } } as const
    const answer = await api.app.inject(call)
    return { problem: answer.json(), logged: api.logged.join() }
  }
  const refused = new KernelError({ errno: 16, operation: 'move link v0', kernelMessage: 'it is busy' })

  it('is told in the words of the kernel when the kernel refused', async () => {
    const { problem, logged } = await answerTo(refused)
    expect(problem).toMatchObject({
      status: 500,
      kind: 'kernelRefused',
      detail: 'move link v0: it is busy (EBUSY)',
      details: { errno: 16, code: 'EBUSY', operation: 'move link v0' },
    })
    expect(logged).toBe('')
  })

  it('is told with the word that a part may be left when the undo failed too, which is logged', async () => {
    const both = new Error('undo failed too')
    Object.assign(both, { name: 'SuppressedError', error: new Error('undo'), suppressed: refused })
    const { problem, logged } = await answerTo(both)
    expect(problem).toMatchObject({ kind: 'kernelRefused', operation_state: 'partial' })
    expect(logged).toContain('undo failed too')
  })
})

it('every route of the table answers something else than 404 on the runtime server', async () => {
  await using api = await apiFixture({}, { family: 'runtime' })
  for (const entry of Object.values<RouteEntry>(routes)) {
    const url = entry.path.replace(/:\w+/g, 'eeee')
    const answer = await api.app.inject({ method: entry.method, url })
    expect(answer.json().detail ?? '', `${entry.method} ${url}`).not.toContain('no such route')
  }
})
