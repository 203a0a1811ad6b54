// One HTTP server of the API: for clients, or for the container runtime. It does not listen yet.
import { randomBytes } from 'node:crypto'
import type { RequestLine } from '@conet/sdk/api'
import { type FastifyInstance, fastify } from 'fastify'
import type { Logger } from 'pino'
import type { ApiContext } from './api-context.ts'
import { acceptJsonOnly, maxBodyBytes } from './body-parser.ts'
import { eventsPath, registerEvents } from './event-route.ts'
import { EventStreams } from './event-streams.ts'
import { answerClientError, answerFailure, answerFailures } from './failures.ts'
import { metricsPath, registerMetrics } from './metrics-route.ts'
import { openApiDocument, openApiPath } from './openapi.ts'
import { methodsByPath, refuseOtherMethods, registerRoutes } from './register-routes.ts'
import { noQuery } from './request-validation.ts'

/** Node's own limit, 16 KiB of headers, bounds an address before this does. */
const maxParameterLength = 16 * 1024
const mostConnections = 1024
/** For a request to arrive in whole. */
const requestTimeoutMs = 30_000

export function buildServer(context: ApiContext, family: RequestLine['family']): FastifyInstance {
  const { log } = context
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    // Who the host is says the socket; Node would refuse a request without the header, with an empty page.
    http: { requireHostHeader: false },
    forceCloseConnections: 'idle',
    // A connection that was kept open may bring one more request while the server closes: it is served, as the last.
    return503OnClosing: false,
    routerOptions: { maxParamLength: maxParameterLength },
    genReqId: requestIds(),
    frameworkErrors: (error, request, reply) => answerFailure(error, { request, reply, log }),
    clientErrorHandler: answerClientError,
  })
  app.server.maxConnections = mostConnections
  acceptJsonOnly(app)
  answerFailures(app, log)
  registerRoutes(app, context, family)
  registerEvents(app, new EventStreams({ events: context.events }))
  registerMetrics(app, context)
  registerOpenApi(app, context)
  refuseOtherMethods(
    app,
    methodsByPath(family)
      .set(eventsPath, ['GET'])
      .set(openApiPath, ['GET', 'HEAD'])
      .set(metricsPath, ['GET', 'HEAD']),
  )
  logRequests(app, log)
  return app
}

function registerOpenApi(app: FastifyInstance, { version, servesLegacyApi: hasLegacy }: ApiContext): void {
  const refuseQuery = noQuery('read the API’s description')
  let document: string | undefined
  app.get(openApiPath, async (request, reply) => {
    refuseQuery(request.query)
    document ??= JSON.stringify(openApiDocument(version, { hasLegacy }))
    return reply.type('application/json').send(document)
  })
}

/** A hook on every request costs time, so there is none unless someone reads what it writes. */
function logRequests(app: FastifyInstance, log: Logger): void {
  if (!log.isLevelEnabled('debug')) return
  app.addHook('onResponse', async (request, reply) => {
    const { id, method, url } = request
    log.debug({ request: id, method, url, status: reply.statusCode, ms: reply.elapsedTime }, 'request')
  })
}

/** They name operations in drivers' logs too, so another conetd's must differ. */
function requestIds(): () => string {
  const prefix = randomBytes(4).toString('hex')
  let last = 0
  return () => `${prefix}-${++last}`
}
