// What may stand in the place of `:name` in a route's path.
import { ClientHandle, type RequestLine } from '@conet/sdk/api'
import { forms, maxRuntimeHandleBytes } from '@conet/sdk/forms'
import { type TSchema, Type } from 'typebox'

/** The runtime sends handles that clients may not choose: any text without a zero, up to a length. */
const RuntimeHandle = Type.String({
  minLength: 1,
  maxBytes: maxRuntimeHandleBytes,
  pattern: forms.runtimeHandle.pattern,
})

const Key = Type.String({ pattern: forms.key.pattern })

const EndpointKey = Type.String({ pattern: forms.endpointKey.pattern })

const sharedParameters: Readonly<Record<string, TSchema>> = {
  network: Key,
  endpoint: EndpointKey,
  driver: Key,
  node: Key,
}

/** The schema of a path's parameters. `family` is that of the socket. */
export function pathParameters(path: string, family: RequestLine['family']): TSchema {
  const names = parameterNames(path)
  return Type.Object(Object.fromEntries(names.map((name) => [name, parameterSchema(name, family)])))
}

export function parameterNames(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => String(name))
}

export function parameterSchema(name: string, family: RequestLine['family']): TSchema {
  if (name === 'handle') return family === 'runtime' ? RuntimeHandle : ClientHandle
  const schema = sharedParameters[name]
  if (schema === undefined) throw new Error(`path parameter ${name} has no schema`)
  return schema
}
