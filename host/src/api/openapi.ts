// The OpenAPI 3.1 document, made of the same table that the server's routes are made of.
import {
  GardenError,
  Problem,
  type RequestLine,
  type RouteEntry,
  type RouteName,
  routes,
} from '@conet/sdk/api'
import type { TSchema } from 'typebox'
import { EventsQuery, eventsPath } from './event-route.ts'
import { metricsPath } from './metrics-route.ts'
import { schemaComponents, schemaOf } from './openapi-schemas.ts'
import { parameterNames, parameterSchema } from './path-parameters.ts'
import { problemMediaType } from './problem.ts'
import { routeNames } from './register-routes.ts'

export const openApiPath = '/openapi.json'

type JsonObject = Record<string, unknown>

/** Not `default`, which generators take for one more kind of success. */
function failuresAs(response: 'Problem' | 'GardenError'): JsonObject {
  const reference = { $ref: `#/components/responses/${response}` }
  return { '4XX': reference, '5XX': reference }
}

/** `hasLegacy`: Garden's calls are not switched off. */
export function openApiDocument(version: string, { hasLegacy }: { hasLegacy: boolean }): JsonObject {
  const paths: Record<string, JsonObject> = {}
  for (const name of routeNames('runtime')) {
    const entry: RouteEntry = routes[name]
    if (entry.isLegacy === true && !hasLegacy) continue
    const path = entry.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [entry.method.toLowerCase()]: operationOf(name, entry) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'conet', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [
      { url: 'http://localhost', description: 'The UNIX sockets conetd.sock and conetd.runtime.sock' },
    ],
    tags: [
      { name: 'client', description: 'Served on both sockets.' },
      { name: 'runtime', description: 'Served on the runtime socket alone.' },
    ],
    paths: { ...paths, [eventsPath]: { get: eventsOperation }, [metricsPath]: { get: metricsOperation } },
    components: {
      schemas: schemaComponents(),
      responses: {
        GardenError: {
          description: 'The call failed, as Garden says it: 404 for an unknown container, else 500.',
          content: json(GardenError),
        },
        Problem: {
          description: 'The request failed (RFC 9457). `kind` says why; docs/errors.md explains each.',
          content: { [problemMediaType]: { schema: schemaOf(Problem) } },
        },
      },
    },
  }
}

function operationOf(name: RouteName, entry: RouteEntry): JsonObject {
  const parameters = [...pathParametersOf(entry), ...(entry.makesSomething ? [idempotencyKey] : [])]
  return {
    operationId: name,
    tags: [entry.family],
    summary: entry.summary,
    ...(entry.isLegacy && { deprecated: true }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(entry.body === undefined ? {} : { requestBody: { required: true, content: json(entry.body) } }),
    responses: {
      ...Object.fromEntries(
        entry.statuses.map((status) => [
          status,
          { description: meaningOf(status), content: json(entry.reply) },
        ]),
      ),
      ...failuresAs(entry.isLegacy === true ? 'GardenError' : 'Problem'),
    },
  }
}

function pathParametersOf({ path, family }: RequestLine): JsonObject[] {
  return parameterNames(path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: parameterSchema(name, family),
  }))
}

const idempotencyKey: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key and request again within 24 hours: the same answer, and nothing is made twice.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
}

const eventsOperation: JsonObject = {
  operationId: 'followEvents',
  tags: ['client'],
  summary:
    'Server-sent events, as they happen. An event named `resync` says that some were lost: read the state anew. Without `since` the stream opens with the id to go on from, in a block without data.',
  parameters: [
    {
      name: 'since',
      in: 'query',
      description: 'The id of the last event seen; the header Last-Event-ID says the same.',
      schema: EventsQuery.properties.since,
    },
  ],
  responses: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: { type: 'string' } } } },
    ...failuresAs('Problem'),
  },
}

const metricsOperation: JsonObject = {
  operationId: 'metrics',
  tags: ['client'],
  summary: 'What conetd counts and measures, in the text format of Prometheus.',
  responses: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
    ...failuresAs('Problem'),
  },
}

function json(schema: TSchema): JsonObject {
  return { 'application/json': { schema: schemaOf(schema) } }
}

function meaningOf(status: number): string {
  if (status === 201) return 'Made'
  return status === 202 ? 'Accepted; a driver is awaited' : 'Done'
}
