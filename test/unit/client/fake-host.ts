// A small HTTP server on two UNIX sockets that answers as a test tells it, and holds both sides to the schemas: a
// request or an answer that does not fit the route table is an answer 500 with a reason.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type Problem, type RouteEntry, type RouteName, routes } from '@conet/sdk/api'
import { runtimeSocketPath } from '@conet/sdk/client'
import { Value } from 'typebox/value'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

export type SeenRequest = {
  route: RouteName | undefined
  family: 'client' | 'runtime'
  params: Record<string, string>
  headers: Record<string, unknown>
  body: unknown
}

export type Answer = { status?: number; body: unknown; contentType?: string }
export type Answers = { [R in RouteName]?: (request: SeenRequest) => Answer | Promise<Answer> }
export type RawAnswer = (request: IncomingMessage, response: ServerResponse) => void

export type FakeHost = AsyncDisposable & {
  readonly socketPath: string
  readonly seen: SeenRequest[]
  /** The answers may change while it runs. */
  readonly answers: Answers
  /** Takes a request away from the routes; for what no well-behaved host does, and for events. */
  raw: RawAnswer | undefined
  /** Ends every connection, running or at rest. */
  dropConnections(): void
  /** Stops listening, ends every connection. */
  stop(): Promise<void>
  start(): Promise<void>
}

export async function fakeHost(answers: Answers = {}): Promise<FakeHost> {
  const directory = await temporaryDirectory()
  const socketPath = join(directory.path, 'conetd.sock')
  const seen: SeenRequest[] = []
  let servers: Server[] = []
  const host: FakeHost = {
    socketPath,
    seen,
    answers: { ...answers },
    raw: undefined,
    dropConnections: () => {
      for (const server of servers) server.closeAllConnections()
    },
    stop: async () => {
      const closing = servers.map((server) => once(server.close(), 'close'))
      host.dropConnections()
      await Promise.all(closing)
      servers = []
    },
    start: async () => {
      servers = [
        await listening(socketPath, (request, response) => serve('client', request, response)),
        await listening(runtimeSocketPath(socketPath), (request, response) =>
          serve('runtime', request, response),
        ),
      ]
    },
    [Symbol.asyncDispose]: async () => {
      await host.stop()
      await directory[Symbol.asyncDispose]()
    },
  }

  function serve(family: 'client' | 'runtime', request: IncomingMessage, response: ServerResponse) {
    if (host.raw !== undefined) return host.raw(request, response)
    void answer(host, family, request).then(({ status = 200, body, contentType = 'application/json' }) => {
      response.writeHead(status, { 'content-type': contentType })
      response.end(JSON.stringify(body))
    })
  }

  await host.start()
  return host
}

async function listening(
  path: string,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(serve)
  await once(server.listen(path), 'listening')
  return server
}

async function answer(
  host: FakeHost,
  family: 'client' | 'runtime',
  request: IncomingMessage,
): Promise<Answer> {
  const text = await textOf(request)
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  const { route, params } = match(request)
  const seen = { route, family, params, headers: { ...request.headers }, body }
  host.seen.push(seen)
  if (route === undefined) return refusal(404, { kind: 'notFound', detail: `no route ${request.url}` })
  const entry: RouteEntry = routes[route]
  if (entry.family === 'runtime' && family !== 'runtime') return unfit('this socket does not serve it')
  if (entry.body !== undefined && !Value.Check(entry.body, body)) return unfit('body', text)
  const reply = await (host.answers[route]?.(seen) ?? unfit('no answer is told for', route))
  if ((reply.status ?? 200) < 400 && !Value.Check(entry.reply, reply.body))
    return unfit(
      'reply',
      JSON.stringify(
        Value.Errors(entry.reply, reply.body).map((error) => [error.instancePath, error.message]),
      ),
    )
  return reply
}

/** A problem document. */
export function refusal(status: number, problem: Partial<Problem>): Answer {
  const body = { type: 'about:blank', title: 'refused', status, code: 1, retryable: false, ...problem }
  return { status, body, contentType: 'application/problem+json' }
}

function unfit(...words: string[]): Answer {
  return refusal(500, { kind: 'internal', detail: `fake host: ${words.join(' ')}` })
}

function match(request: IncomingMessage): { route: RouteName | undefined; params: Record<string, string> } {
  for (const route of Object.keys(routes) as RouteName[]) {
    const { method, path } = routes[route]
    const pattern = new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
    const found = method === request.method ? pattern.exec(request.url ?? '') : null
    if (found === null) continue
    const params = Object.entries(found.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ])
    return { route, params: Object.fromEntries(params) }
  }
  return { route: undefined, params: {} }
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8')
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
