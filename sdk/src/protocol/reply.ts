// How a call ends other than by its result: what an error has, and how the host gives a call up.
import { type Static, Type } from 'typebox'

/** Id of a request, as its sender chose it. */
const MessageId = Type.Union([Type.Integer(), Type.String({ minLength: 1, maxLength: 256 })])

/** Params of `$/cancelRequest`. */
export const CancelParams = Type.Object({ id: MessageId })
export type CancelParams = Static<typeof CancelParams>

/** The `error` of a reply; `data.name` is a kind of the catalogue, or the driver's own for codes from 2000 on. */
export const ReplyError = Type.Object({
  code: Type.Integer(),
  message: Type.String(),
  data: Type.Object({
    name: Type.String({ minLength: 1 }),
    /** Whether the same call may succeed later. */
    retryable: Type.Boolean(),
    /** What holds after the failure. */
    operationState: Type.Union([
      Type.Literal('not-started'),
      Type.Literal('unknown'),
      Type.Literal('partial'),
      Type.Literal('done'),
    ]),
    /** Each wrong field, with its path as in the request: `network.config.parent`. */
    fields: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
    /** Facts for programs. */
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** What a person can do about it. */
    help: Type.Optional(Type.String()),
  }),
})
export type ReplyError = Static<typeof ReplyError>
