// One call as an HTTP request: the path filled in, and the types that the route table gives it. Knows no socket.
import type { Static, TSchema } from 'typebox'
import { ConetError } from '../errors/index.ts'
import { type RequestLine, type RouteName, requestLines } from './api/request-lines.ts'
import type { routes } from './api/routes.ts'

type NamesIn<Path extends string> = Path extends `${infer Head}/${infer Rest}`
  ? NamesIn<Head> | NamesIn<Rest>
  : Path extends `:${infer Name}`
    ? Name
    : never

type PathParams<R extends RouteName> = NamesIn<(typeof requestLines)[R]['path']>

/** What the call is about: `{ network: 'web' }`. */
export type CallParams<R extends RouteName> = [PathParams<R>] extends [never]
  ? { readonly params?: undefined }
  : { readonly params: Readonly<Record<PathParams<R>, string>> }

/** The request's body, for routes that take one. */
export type CallBody<R extends RouteName> = (typeof routes)[R] extends { body: infer Body extends TSchema }
  ? { readonly body: Static<Body> }
  : { readonly body?: undefined }

/** What a route needs. */
export type CallInput<R extends RouteName> = CallParams<R> & CallBody<R>

/** What a route answers. */
export type CallReply<R extends RouteName> = Static<(typeof routes)[R]['reply']>

/** A call to be sent. */
export type Call = {
  readonly line: RequestLine
  /** The path with its members filled in and percent-encoded. */
  readonly path: string
  /** Opens the messages of errors: `unplug c1 5a62…`. */
  readonly what: string
}

export function callOf(route: RouteName, params: Readonly<Record<string, string>> = {}): Call {
  const line: RequestLine = requestLines[route]
  const what = [wordsOf(route), ...Object.values(params).filter((value) => value !== '')].join(' ')
  const path = line.path.replace(/:(\w+)/g, (_, name: string) => encodedMember(what, name, params[name]))
  return { line, path, what }
}

/** An empty member would name another route (`/networks/`). */
function encodedMember(what: string, name: string, value: string | undefined): string {
  if (!value) throw memberError({ what, name, problem: 'must not be empty' })
  try {
    return encodeURIComponent(value)
  } catch (cause) {
    throw memberError({ what, name, problem: 'is not valid Unicode', cause })
  }
}

function memberError(facts: { what: string; name: string; problem: string; cause?: unknown }): ConetError {
  const { what, name, problem, cause } = facts
  const fields = [{ path: name, message: problem }]
  return new ConetError('invalidArgument', `${what}: ${name} ${problem}`, { fields, cause })
}

/** `putContainerConfig` → `put container config`. */
function wordsOf(route: RouteName): string {
  return route.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
