// The shape of a route's handler, derived from the route table: what it is given and what it answers.
import type { RouteName, routes } from '@conet/sdk/api'
import type { Static, TSchema } from 'typebox'
import type { Operation } from '../../lifecycle/index.ts'
import type { ApiContext } from '../api-context.ts'
import type { Answer } from '../idempotency-keys.ts'

type ParameterName<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParameterName<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

export type Parameters<K extends RouteName> = Record<ParameterName<(typeof routes)[K]['path']>, string>

export type Body<K extends RouteName> = (typeof routes)[K] extends { body: infer S extends TSchema }
  ? Static<S>
  : Record<string, never>

export type Reply<K extends RouteName> = Static<(typeof routes)[K]['reply']>

/** One checked request. */
export type Call<K extends RouteName> = {
  readonly parameters: Parameters<K>
  readonly body: Body<K>
  readonly operation: Operation
}

export type TypedAnswer<K extends RouteName> = Answer & {
  readonly status: (typeof routes)[K]['statuses'][number]
  readonly body: Reply<K>
}

export type Handler<K extends RouteName> = (
  context: ApiContext,
  call: Call<K>,
) => TypedAnswer<K> | Promise<TypedAnswer<K>>

export type Handlers = { readonly [K in RouteName]: Handler<K> }
