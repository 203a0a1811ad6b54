// Garden's calls as its Go client sees them: byte for byte.
import { ConetError } from '@conet/sdk'
import type { GardenNetIn, GardenNetOutRule } from '@conet/sdk/api'
import { expect, it } from 'vitest'
import { apiFixture } from './api-fixture.ts'

const base = '/garden/containers/h%2F1/net'

it('[B19] [B20] [B21] answers have Garden’s bodies and status codes, and a mark that there is something better', async () => {
  const given: (GardenNetIn | readonly GardenNetOutRule[])[] = []
  await using api = await apiFixture(
    {
      netIn: async (_handle, wish) => {
        given.push(wish)
        return { host_port: 61001, container_port: 8080 }
      },
      netOut: async (_handle, rule) => void given.push([rule]),
      netOutBulk: async (_handle, rules) => void given.push(rules),
    },
    { family: 'runtime' },
  )
  const rule = { protocol: 1, networks: [{ start: '10.0.0.1', end: '10.0.0.9' }], ports: null, log: true }
  const calls = [
    {
      url: `${base}/in`,
      payload: { handle: 'h', container_port: 8080 },
      text: '{"host_port":61001,"container_port":8080}\n',
    },
    { url: `${base}/out`, payload: rule, text: '{}\n' },
    { url: `${base}/out/bulk`, payload: [rule, {}], text: '{}\n' },
  ]
  for (const { url, payload, text } of calls) {
    const { statusCode, body, headers } = await api.app.inject({ method: 'POST', url, payload })
    expect([statusCode, body, headers['content-type']]).toEqual([200, text, 'application/json'])
    expect(headers.deprecation).toMatch(/^@\d+$/)
  }
  expect(given).toEqual([{ handle: 'h', container_port: 8080 }, [rule], [rule, {}]])
})

it('bodies are read as Go reads them: names in any case, null for nothing, and no body is none', async () => {
  const given: unknown[] = []
  await using api = await apiFixture(
    {
      netIn: async (_handle, wish) => {
        given.push(wish)
        return { host_port: 1, container_port: 1 }
      },
      netOut: async (_handle, rule) => void given.push([rule]),
      netOutBulk: async (_handle, rules) => void given.push(rules),
    },
    { family: 'runtime' },
  )
  const call = (route: string, payload?: string) =>
    api.app.inject({
      method: 'POST',
      url: `${base}/${route}`,
      ...(payload !== undefined && { payload, headers: { 'content-type': 'application/json' } }),
    })
  const rules = '[{"Protocol":1,"NETWORKS":[{"Start":"10.0.0.1"}],"ports":null},{}]'
  for (const [route, payload] of [
    ['in', '{"HOST_PORT":6123,"Container_Port":7}'],
    ['in', 'null'],
    ['out', 'null'],
    ['out/bulk', 'null'],
    ['out/bulk', rules],
    ['out', '{"protocol":1,"networks":[null,{"Start":null}],"ports":[null,{"Start":80}],"icmps":null}'],
    ['out/bulk', '[null,{"log":true}]'],
  ] as const) {
    expect((await call(route, payload)).statusCode, `${route} ${payload}`).toBe(200)
  }
  const read = [{ protocol: 1, networks: [{ start: '10.0.0.1' }], ports: null }, {}]
  const ofLists = [
    [{ protocol: 1, networks: [{}, { start: null }], ports: [{}, { start: 80 }], icmps: null }],
    [{}, { log: true }],
  ]
  expect(given).toEqual([{ host_port: 6123, container_port: 7 }, {}, [{}], [], read, ...ofLists])

  for (const payload of [undefined, ''] as const) {
    for (const route of ['in', 'out', 'out/bulk']) {
      const { statusCode, json } = await call(route, payload)
      expect([statusCode, json().Message], route).toEqual([500, 'EOF'])
    }
  }
  expect(given).toHaveLength(7)
})

it('an unknown container is Garden’s 404; everything else is its 500', async () => {
  const failures = [
    new ConetError('notFound', 'no container has the handle h/1', { details: { container: 'h/1' } }),
    new ConetError('portInUse', 'no port <left> & none free'),
    new ConetError('portsExhausted', 'give out one more port'),
  ]
  await using api = await apiFixture(
    { netIn: async () => Promise.reject(failures.shift()) },
    { family: 'runtime' },
  )
  const call = (payload: string, type = 'application/json') =>
    api.app.inject({ method: 'POST', url: `${base}/in`, payload, headers: { 'content-type': type } })
  const unknown = await call('{}')
  expect([unknown.statusCode, unknown.body]).toEqual([
    404,
    '{"Type":"ContainerNotFoundError","Message":"unknown handle: h/1","Handle":"h/1","ProcessID":"","Binary":""}\n',
  ])
  const failed = await call('{}')
  expect([failed.statusCode, failed.body]).toEqual([
    500,
    '{"Type":"","Message":"no port \\u003cleft\\u003e \\u0026 none free","Handle":"","ProcessID":"","Binary":""}\n',
  ])
  const exhausted = await call('{}')
  expect([exhausted.statusCode, exhausted.json().Message]).toEqual([500, 'port pool is exhausted'])
  const wrong = [
    ['{', 'application/json', 'is not JSON'],
    ['{"host_port":65536}', 'application/json', 'host_port'],
    ['a=b', 'application/x-www-form-urlencoded', 'content-type must be application/json'],
  ] as const
  for (const [payload, type, reason] of wrong) {
    const { statusCode, json } = await call(payload, type)
    expect([statusCode, json().Message]).toEqual([500, expect.stringContaining(reason)])
  }
})

it('[B2] the clients’ socket has none of it', async () => {
  await using api = await apiFixture()
  const { statusCode } = await api.app.inject({ method: 'POST', url: `${base}/in`, payload: {} })
  expect(statusCode).toBe(404)
})
