// Garden's calls, for clients that have no other: the same operations as behind the policies, in Garden's form.
import { ConetError } from '@conet/sdk'
import type { RouteEntry, RouteName } from '@conet/sdk/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiContext } from './api-context.ts'
import { frameworkFailure } from './failures.ts'
import { gardenError, sendGarden } from './garden-form.ts'
import { asGoReads } from './go-json.ts'
import { HttpError } from './problem.ts'
import { requestFailure } from './request-failure.ts'
import type { RequestParts } from './request-parser.ts'

type Serve = (request: FastifyRequest) => Promise<unknown>

/** `serve` does the work. Switched off, the route says so and does nothing. */
export function registerLegacyRoute(
  app: FastifyInstance,
  { log, servesLegacyApi }: Pick<ApiContext, 'log' | 'servesLegacyApi'>,
  { name, entry, serve }: { name: RouteName; entry: RouteEntry; serve: Serve },
): void {
  app.route({
    method: entry.method,
    url: entry.path,
    handler: async (request, reply) => {
      if (!servesLegacyApi) throw switchedOff(name)
      return sendGarden(reply, 200, await serve(request))
    },
    errorHandler: (thrown, request, reply) => {
      const framework = frameworkFailure(thrown)
      const { error = bug(request.id), bug: cause } =
        framework === undefined ? requestFailure(thrown) : { error: framework, bug: undefined }
      if (cause !== undefined)
        log.error({ err: cause, request: request.id, url: request.url }, 'request failed')
      const { status, body } = gardenError(inGardenWords(error), handleOf(request))
      sendGarden(reply, thrown instanceof SwitchedOff ? 404 : status, body)
    },
  })
}

/** The request with its body as Garden's server reads it. Throws `invalidArgument` where there is none. */
export function inGardenForm(
  { method, params, query, headers, body }: FastifyRequest,
  { body: schema }: RouteEntry,
): RequestParts {
  if (body === undefined) throw new ConetError('invalidArgument', 'EOF')
  return { method, params, query, headers, body: schema === undefined ? body : asGoReads(body, schema) }
}

class SwitchedOff extends ConetError {}

function switchedOff(name: RouteName): ConetError {
  return new SwitchedOff(
    'unsupported',
    `${name}: Garden's calls are switched off in conetd's configuration (legacy_api): use PUT /containers/{handle}/policy`,
  )
}

function inGardenWords(error: ConetError): ConetError {
  const isMediaType = error instanceof HttpError && error.status === 415
  return isMediaType ? new ConetError('invalidArgument', 'content-type must be application/json') : error
}

function bug(operationId: string): ConetError {
  return new ConetError('internal', `conetd has a bug; its log has the details under request ${operationId}`)
}

function handleOf({ params }: FastifyRequest): string {
  const isNamed = typeof params === 'object' && params !== null && 'handle' in params
  return isNamed ? String(params.handle) : ''
}
