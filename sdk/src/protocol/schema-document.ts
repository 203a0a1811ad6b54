// The protocol as one JSON document, for authors in other languages: a JSON Schema of every message, and the tables
// of methods and errors. It is made from the same tables that this SDK runs on.
import type { TSchema } from 'typebox'
import { catalogue } from '../errors/index.ts'
import { protocolVersions } from './handshake.ts'
import { CallMeta } from './meta.ts'
import { notifications, requests } from './methods.ts'
import { CancelParams, ReplyError } from './reply.ts'

type Json = { readonly [key: string]: unknown }

/** What `protocol.schema.json` holds; made anew with `npm run generate`. */
export function protocolDocument(): Json {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:conet:driver-protocol',
    title: 'conet driver protocol',
    description: `JSON-RPC 2.0 with LSP framing over a UNIX socket, protocol versions ${protocolVersions.join(', ')}`,
    methods: { ...requestTable(), ...notificationTable() },
    errors: catalogue,
    $defs: { CallMeta, CancelParams, ReplyError, ...requestSchemas(), ...notificationSchemas() },
  }
}

function requestTable(): Json {
  return mapped(Object.entries(requests), ([method, { required, timeoutMs }]) => [
    method,
    {
      type: 'request',
      from: 'host',
      required,
      timeoutMs,
      params: reference(`${definition(method)}Params`),
      result: reference(`${definition(method)}Result`),
    },
  ])
}

function notificationTable(): Json {
  return mapped(Object.entries(notifications), ([method, { from }]) => [
    method,
    { type: 'notification', from, params: reference(`${definition(method)}Params`) },
  ])
}

function requestSchemas(): Json {
  const schemas = Object.entries(requests).flatMap(([method, { params, result }]): [string, object][] => [
    [`${definition(method)}Params`, method === 'initialize' ? params : withMeta(params)],
    [`${definition(method)}Result`, result],
  ])
  return Object.fromEntries(schemas)
}

function notificationSchemas(): Json {
  return mapped(Object.entries(notifications), ([method, { params }]) => [
    `${definition(method)}Params`,
    params,
  ])
}

/** A host sends `_meta` with every call; a driver gets along without it. */
function withMeta(params: TSchema & { properties?: Json }): Json {
  return { ...params, properties: { ...params.properties, _meta: reference('CallMeta') } }
}

/** `network/create` becomes `NetworkCreate`. */
function definition(method: string): string {
  return method
    .split('/')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

function reference(name: string): Json {
  return { $ref: `#/$defs/${name}` }
}

function mapped<T>(entries: readonly T[], entry: (from: T) => [string, unknown]): Json {
  return Object.fromEntries(entries.map(entry))
}
