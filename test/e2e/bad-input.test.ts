// Every route of the API with everything that its schema forbids, and HTTP that is none. Nothing of it may change
// anything, end conetd, or be refused without a word on which field it was.
import { connect } from 'node:net'
import { type RouteEntry, type RouteName, routes } from '@conet/sdk/api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectNoInsides, HostUnderTest } from '../support/host-under-test.ts'
import { wrongBodies } from '../support/wrong-values.ts'

let host: HostUnderTest

beforeAll(async () => {
  host = await HostUnderTest.start('null', 'bridge')
  await host.done({ method: 'POST', path: '/networks', body: { name: 'blue', type: 'null' } })
  await host.done({ method: 'POST', path: '/networks', body: { name: 'br', type: 'bridge' } })
  await host.done({ method: 'PUT', path: '/containers/c1/config', body: { attach_to: ['br'] } })
  await host.done({ method: 'POST', path: '/internal/containers/c1/up' })
})

afterAll(() => host?.[Symbol.asyncDispose]())

/** Whatever `work` does, host and kernel hold afterwards what they held before. */
async function changesNothing(work: () => Promise<void>): Promise<void> {
  const before = await host.picture()
  await work()
  expect(await host.picture()).toEqual(before)
  await host.isWell()
}

const good: Partial<Record<RouteName, Record<string, unknown>>> = {
  createNetwork: { name: 'red', type: 'null', subnets: [{ subnet: '10.99.0.0/16' }] },
  putContainerConfig: { attach_to: ['blue'] },
  plug: { network: 'blue' },
  up: { pid: 1 },
  putContainerPolicy: { networks: {} },
}

/** Garden's calls answer in its form, and take what nobody knows. */
const routesWithBody = Object.entries(routes).filter(
  // A default policy may be any document: its driver says what is wrong with it.
  ([name, route]) => 'body' in route && !('isLegacy' in route) && name !== 'putDefaultPolicy',
)
const placed = (path: string) => path.replace(':handle', 'c1').replace(/:\w+/, 'blue')

describe('a body', () => {
  it.each(routesWithBody)(
    'of %s with a wrong field is refused with the name of the field',
    async (name, route) => {
      const { method, path, body }: RouteEntry = route
      const bodies = wrongBodies(body ?? {}, good[name as RouteName] ?? {})
      expect(bodies.length).toBeGreaterThan(5)
      await changesNothing(async () => {
        for (const { path: field, text, why } of bodies) {
          const { fields = [] } = await host.refused({ method, path: placed(path), body: text })
          const named = fields.map((one) => one.path)
          // A number that JSON can say and nobody can hold is refused before anybody looks where it stands.
          const expected = text.includes('1e999') ? 'body' : field
          expect(named[0], `${field} (${why}): ${JSON.stringify(fields)}`).toSatisfy(
            (one: string) => one === expected || one.startsWith(expected) || field.startsWith(`${one}[`),
          )
        }
      })
    },
  )

  it.each(Object.entries(routes).filter(([, route]) => !('body' in route) && route.method !== 'GET'))(
    'of %s, which takes none, is refused',
    async (_name, { method, path }) => {
      await changesNothing(async () => {
        const { fields } = await host.refused({
          method,
          path: placed(path.replace(':endpoint', 'ab')),
          body: { bogus: 1 },
        })
        expect(fields?.[0]?.path).toBe('bogus')
      })
    },
  )

  it.each<[string, string | Buffer]>([
    ['nothing but a brace', '{'],
    ['cut short', '{"name":"x","type":'],
    ['no object', '[1]'],
    ['null', 'null'],
    ['not JSON', '{name: NaN}'],
    ['a prototype', '{"name":"x","type":"null","labels":{"__proto__":"y"}}'],
    ['too deep', `{"name":"x","type":"null","config":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`],
    ['too deep for any parser', '['.repeat(500_000)],
    ['not UTF-8', Buffer.from('{"name":"x","type":"null","labels":{"a":"\xff"}}', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{"name":"x","type":"null"}', 'utf16le')],
    ['ten megabytes', `{"name":"${'x'.repeat(10_000_000)}"}`],
  ])('that is %s is refused as a whole', async (_what, body) => {
    await changesNothing(async () => {
      const { fields } = await host.refused({ method: 'POST', path: '/networks', body })
      expect(fields?.[0]?.path).toBe('body')
    })
  })

  it('of another type than JSON is refused with the name of the header', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
      const headers = { 'content-type': type }
      const problem = await host.refused({ method: 'POST', path: '/networks', body: '{}', headers })
      expect(problem).toMatchObject({ status: 415, fields: [{ path: 'Content-Type' }] })
    }
  })

  it('of any JSON at all is refused by its field, or taken as it is', async () => {
    const field = fc.constantFrom('name', 'type', 'labels', 'internal', 'subnets', 'ipv4', 'ipv6', 'config')
    await fc.assert(
      fc.asyncProperty(field, fc.jsonValue({ maxDepth: 3 }), async (name, drawn) => {
        // As it goes over the wire: JSON has no -0.
        const value = JSON.parse(JSON.stringify(drawn))
        const body = { name: 'fuzz', type: 'null', [name]: value }
        const answer = await host.ask({ method: 'POST', path: '/networks', body })
        if (answer.status === 201) {
          const { id, ...view } = JSON.parse(answer.text)
          if (name === 'config' || name === 'labels') expect(view[name]).toEqual(value ?? {})
          await host.done({ method: 'DELETE', path: `/networks/${id}` })
          return
        }
        expectNoInsides(answer.text)
        expect(answer.status, answer.text).toBeLessThan(500)
        expect(JSON.parse(answer.text).fields?.[0]?.path, answer.text).toMatch(new RegExp(`^(${name}|body)`))
      }),
      { numRuns: 200 },
    )
    await host.isWell()
  })
})

describe('an address', () => {
  const bad = [
    '%2e%2e',
    '..%2fx',
    '%2fetc%2fpasswd',
    '-x',
    '.x',
    '%20',
    'a%20b',
    'a%00b',
    '%F0%9F%98%80',
    '__proto__',
  ]
  const clients = Object.entries(routes).filter(
    ([, { path, family }]) => family === 'client' && path.includes(':'),
  )

  it.each(clients)('of %s with a wrong part is refused with its name', async (_name, { method, path }) => {
    const parts = [...path.matchAll(/:(\w+)/g)].map(([, part]) => String(part))
    await changesNothing(async () => {
      for (const part of parts) {
        for (const text of [...bad, 'x'.repeat(130), 'x'.repeat(9_000)]) {
          const wrong = path.replace(`:${part}`, text)
          const problem = await host.clientRefused({ method, path: placed(wrong.replace(':endpoint', 'ab')) })
          expect(problem.fields?.[0]?.path, `${method} ${wrong}`).toBe(part)
        }
      }
    })
  })

  it('that nobody serves is 404, a method that it does not take 405 with those that it does', async () => {
    for (const path of [
      '/',
      '//',
      '/Networks',
      '/networks/a/b/c',
      '/internal',
      '/*',
      '/containers/../../etc/passwd',
    ])
      expect((await host.refused({ path })).status).toBe(404)
    const wrong = await host.ask({ method: 'PATCH', path: '/networks' })
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'POST, GET, HEAD'])
    expect((await host.refused({ path: '/networks/%zz' })).status).toBe(400)
  })

  it('with a query, or a key of a request that is none, is refused with its name', async () => {
    const named = async (call: Parameters<HostUnderTest['refused']>[0]) =>
      (await host.refused(call)).fields?.[0]?.path
    expect(await named({ path: '/networks?x=1' })).toBe('x')
    expect(await named({ path: '/networks?__proto__=1' })).toBe('__proto__')
    expect(await named({ path: '/events?since=-1' })).toBe('since')
    expect(await named({ path: '/events?since=1&since=2' })).toBe('since')
    for (const key of ['', 'a b', 'é', 'x'.repeat(256)]) {
      const headers = { 'idempotency-key': Buffer.from(key).toString('latin1') }
      expect(await named({ method: 'POST', path: '/networks', body: good.createNetwork, headers })).toBe(
        'Idempotency-Key',
      )
    }
  })

  it('of a handle that a runtime may choose takes path tricks as text, and never as a path', async () => {
    const before = await host.picture()
    for (const handle of ['../../x', '/etc', '..', ' ', '__proto__', '😀', 'x'.repeat(1024)]) {
      const path = `/containers/${encodeURIComponent(handle)}`
      await host.done({ method: 'PUT', path: `${path}/config`, body: { attach_to: [] } })
      const up = `/internal${path}/up`
      const { handle: shown, sandbox } = await host.done<{ handle: string; sandbox: { path: string } }>({
        method: 'POST',
        path: up,
      })
      expect(shown).toBe(handle)
      expect(sandbox.path).toMatch(new RegExp(`^${host.directory}/run/netns/[0-9a-f-]+$`))
      await host.done({ method: 'DELETE', path })
    }
    const { fields } = await host.refused({ path: `/containers/${'x'.repeat(1025)}` })
    expect(fields?.[0]?.path).toBe('handle')
    expect(await host.picture()).toEqual(before)
  })
})

describe('bytes that are no request', () => {
  const body = '{"name":"cut","type":"null"}'
  const head = 'POST /networks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  it.each<[string, string | Buffer]>([
    ['text', 'hello\r\n\r\n'],
    ['TLS', Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3])],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['zeros', Buffer.alloc(100_000)],
    ['garbage behind a request', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nBLAH BLAH\r\n\r\n'],
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 28\r\n\r\n${body}`],
    ['a length and chunks', `${head}Content-Length: 28\r\nTransfer-Encoding: chunked\r\n\r\n${body}`],
    ['a length below zero', `${head}Content-Length: -5\r\n\r\n`],
    ['a header without end', `GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(200_000)}`],
    ['a path without end', `GET /${'x'.repeat(200_000)}`],
  ])('(%s) are answered with 4xx and the end', async (_what, bytes) => {
    await changesNothing(async () => {
      const text = await said(bytes)
      expect(text).toMatch(/^HTTP\/1.1 4\d\d /)
      expect(text).toContain('Connection: close')
      expect(text).toContain('application/problem+json')
      expectNoInsides(text)
    })
  })

  it('cut in the middle, or sent by the byte, hold nobody up', async () => {
    await changesNothing(async () => {
      const cut = connect(host.conetd.socket)
      cut.write(`${head}Content-Length: 500\r\n\r\n${body}`)
      const slow = connect(host.conetd.socket)
      slow.write('GET /hea')
      await host.isWell()
      cut.destroy()
      slow.destroy()
    })
  })

  it('without a Host header are a request all the same', async () => {
    expect(await said('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
  })

  /** Everything that comes back until conetd ends the connection. */
  function said(bytes: string | Buffer): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const socket = connect(host.conetd.socket)
      socket.on('data', (data) => {
        text += data
      })
      // A pipe that breaks while the rest is written is an end too.
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
      socket.write(bytes)
    })
  }
})
