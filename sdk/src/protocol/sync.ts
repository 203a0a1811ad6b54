// After every connect the host says what should be, page by page; the driver makes it so.
import { type Static, Type } from 'typebox'
import { CreateEndpointParams, EndpointRef, PlugResult, Sandbox } from './endpoint.ts'
import { Network } from './network.ts'
import { Id } from './primitives.ts'

/** An endpoint that should exist. */
export const DesiredEndpoint = Type.Object({
  ...CreateEndpointParams.properties,
  /** Present: plugged there. Absent: created only. */
  sandbox: Type.Optional(Sandbox),
})
export type DesiredEndpoint = Static<typeof DesiredEndpoint>

/** Params of `driver/sync`: one page of what should be. */
export const SyncParams = Type.Object({
  /** The same on all pages of one sync; a page of another sync starts anew. */
  syncId: Type.String({ minLength: 1 }),
  /** False on the last page. */
  more: Type.Boolean(),
  networks: Type.Array(Network),
  endpoints: Type.Array(DesiredEndpoint),
})
export type SyncParams = Static<typeof SyncParams>

/** One network or endpoint that could not be made so; `error.name` is a kind of the catalogue. */
export const SyncFailure = Type.Object({
  networkId: Id,
  endpointId: Type.Optional(Id),
  error: Type.Object({ name: Type.String(), message: Type.String() }),
})
export type SyncFailure = Static<typeof SyncFailure>

/** Result of `driver/sync`, for one page. */
export const SyncResult = Type.Object({
  /** What of this page differed and was mended, in words for the log. */
  repaired: Type.Array(Type.String()),
  /** What of this page could not be made so. */
  failed: Type.Array(SyncFailure),
  /** What each endpoint of this page that is plugged looks like now. */
  plugged: Type.Array(Type.Object({ ...EndpointRef.properties, result: PlugResult })),
  /** On the last page: what the driver has and no page named. The host deletes it, or adopts it. */
  unknown: Type.Object({ networkIds: Type.Array(Id), endpoints: Type.Array(EndpointRef) }),
})
export type SyncResult = Static<typeof SyncResult>
