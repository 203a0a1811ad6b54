// Turns a request into a checked call: path, query and body, each against its schema.
import { type RequestLine, type RouteEntry, type RouteName, routes } from '@conet/sdk/api'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Body, Parameters } from './handlers/handler.ts'
import { withoutNil } from './nil-members.ts'
import { pathParameters } from './path-parameters.ts'
import { noQuery, partParser, wrongField } from './request-validation.ts'

export type ParsedRequest<K extends RouteName> = { parameters: Parameters<K>; body: Body<K> }

export type RequestParts = Pick<FastifyRequest, 'method' | 'params' | 'query' | 'headers' | 'body'>

const nothing = Type.Object({}, { additionalProperties: false })

/** The returned function throws `invalidArgument` that names the field. */
export function requestParser<K extends RouteName>(
  name: K,
  family: RequestLine['family'],
): (request: RequestParts) => ParsedRequest<K> {
  const entry: RouteEntry = routes[name]
  const what = wordsOf(name)
  const parseParameters = partParser<Parameters<K>>(what, pathParameters(entry.path, family), 'path')
  const refuseQuery = noQuery(what)
  const parseBody = partParser<Body<K>>(what, entry.body ?? nothing, 'body')
  return (request) => {
    refuseUnreadBody(what, request)
    const parameters = parseParameters(request.params)
    refuseQuery(request.query)
    return { parameters, body: parseBody(withoutNil(documentOf(what, request), entry.body)) }
  }
}

/** `createNetwork` → `create network`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/**
 * A missing body is an empty document, so that what is missing in it gets named. Not one that would stand in the place of what
 * is there: its client has lost it.
 */
function documentOf(what: string, { method, body }: RequestParts): unknown {
  if (body !== undefined) return body
  if (method === 'PUT') throw wrongField(what, { path: 'body', message: 'is missing' })
  return {}
}

/** The server does not read the body of a GET. */
function refuseUnreadBody(what: string, { method, headers }: RequestParts): void {
  if (method !== 'GET') return
  const length = headers['content-length']
  const isEmpty = (length === undefined || length === '0') && headers['transfer-encoding'] === undefined
  if (!isEmpty) throw wrongField(what, { path: 'body', message: 'is not taken here' })
}
