// Registers every route of the table on a server, in one loop.
import type { ServerResponse } from 'node:http'
import { type RequestLine, type RouteEntry, type RouteName, routes } from '@conet/sdk/api'
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import type { Operation } from '../lifecycle/index.ts'
import type { ApiContext } from './api-context.ts'
import { handlers } from './handlers/index.ts'
import type { Answer } from './idempotency-keys.ts'
import { answerOnce, idempotencyKeyOf } from './idempotent-answer.ts'
import { inGardenForm, registerLegacyRoute } from './legacy-routes.ts'
import { HttpError } from './problem.ts'
import { requestParser } from './request-parser.ts'
import { traceOf } from './trace-context.ts'

type Family = RequestLine['family']

export function registerRoutes(app: FastifyInstance, context: ApiContext, family: Family): void {
  for (const name of routeNames(family)) registerRoute(app, context, { name, family })
}

/** The runtime's socket serves both families. */
export function routeNames(family: Family): RouteName[] {
  return routeNamesOfTable().filter((name) => family === 'runtime' || routes[name].family === 'client')
}

/** The known methods of each path answer 405, so that a wrong method is not mistaken for a wrong path. */
export function refuseOtherMethods(
  app: FastifyInstance,
  paths: ReadonlyMap<string, readonly string[]>,
): void {
  for (const [url, allowed] of paths) {
    const others = everyMethod.filter((method) => !allowed.includes(method))
    app.route({
      method: others,
      url,
      // Before the body is looked at.
      onRequest: (request, reply, done) => {
        reply.header('allow', allowed.join(', '))
        done(
          new HttpError(405, 'unsupported', `${request.method} ${request.url}: takes ${allowed.join(', ')}`),
        )
      },
      handler: () => undefined,
    })
  }
}

export function methodsByPath(family: Family): Map<string, string[]> {
  const paths = new Map<string, string[]>()
  for (const name of routeNames(family)) {
    const { method, path } = routes[name]
    const methods = paths.get(path) ?? []
    methods.push(method)
    if (method === 'GET') methods.push('HEAD')
    paths.set(path, methods)
  }
  return paths
}

const everyMethod: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function routeNamesOfTable(): RouteName[] {
  const names: RouteName[] = []
  for (const name in routes) if (isRouteName(name)) names.push(name)
  return names
}

function isRouteName(name: string): name is RouteName {
  return Object.hasOwn(routes, name)
}

function registerRoute<K extends RouteName>(
  app: FastifyInstance,
  context: ApiContext,
  { name, family }: { name: K; family: Family },
): void {
  const entry: RouteEntry = routes[name]
  const parse = requestParser(name, family)
  const handle = handlers[name]
  if (entry.isLegacy === true) {
    const serve = async (request: FastifyRequest) => {
      const operation = operationOf(request, undefined, undefined)
      return (await handle(context, { ...parse(inGardenForm(request, entry)), operation })).body
    }
    registerLegacyRoute(app, context, { name, entry, serve })
    return
  }
  app.route({
    method: entry.method,
    url: entry.path,
    handler: async (request, reply) => {
      const parsed = parse(request)
      const key = entry.makesSomething === true ? idempotencyKeyOf(request.headers) : undefined
      const isCancellable = entry.body !== undefined && key === undefined
      const work = async (requestKey?: string): Promise<Answer> =>
        handle(context, {
          ...parsed,
          operation: operationOf(request, isCancellable ? departureOf(reply.raw) : undefined, requestKey),
        })
      const answer = key === undefined ? await work() : await answerOnce(context, { key, request, work })
      return reply.code(answer.status).send(answer.body)
    },
  })
}

/** A client that goes away cancels what it asked to be made, unless it said that it may ask again. Removals go on. */
function operationOf(
  { id, headers }: Pick<FastifyRequest, 'id' | 'headers'>,
  signal: AbortSignal | undefined,
  requestKey: string | undefined,
): Operation {
  const trace = traceOf(headers)
  return {
    id,
    ...(trace !== undefined && { trace }),
    ...(signal === undefined ? {} : { signal }),
    ...(requestKey === undefined ? {} : { requestKey }),
  }
}

/**
 * Aborts when the connection ends before the answer. Not fastify's `request.signal`: that one hears the request's
 * `close`, which Node emits as soon as the body has been read.
 */
function departureOf(response: ServerResponse): AbortSignal {
  const departure = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) departure.abort()
  })
  if (response.destroyed) departure.abort()
  return departure.signal
}
