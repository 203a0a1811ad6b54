// The one table of the driver protocol: routing, validation, types and the published JSON Schema read it.
import { type Static, type TSchema, Type } from 'typebox'
import { ProbeResult } from './driver.ts'
import {
  CreateEndpointParams,
  CreateEndpointResult,
  EndpointRef,
  ListEndpointsResult,
  PlugParams,
  PlugResult,
  UnplugParams,
} from './endpoint.ts'
import { InitializedParams, InitializeParams, InitializeResult, RejectedParams } from './handshake.ts'
import { CreateNetworkParams, DeleteNetworkParams, ListNetworksResult } from './network.ts'
import { DriverEvent, DriverLog, Progress, Readiness } from './notices.ts'
import { PeersParams, PeersResult } from './peers.ts'
import { CheckPolicyParams, PolicyParams } from './policy.ts'
import { StatsParams, StatsResult } from './stats.ts'
import { SyncParams, SyncResult } from './sync.ts'

const Nothing = Type.Object({})

type RequestEntry = {
  readonly params: TSchema
  readonly result: TSchema
  /** Every driver answers it; otherwise only those that list it in their capabilities. */
  readonly required: boolean
  /** Time allowed when the caller names none. */
  readonly timeoutMs: number
}

/** What the host asks of a driver. All but `initialize` carry `_meta` (CallMeta) beside these parameters. */
export const requests = {
  initialize: { params: InitializeParams, result: InitializeResult, required: true, timeoutMs: 10_000 },
  'driver/sync': { params: SyncParams, result: SyncResult, required: true, timeoutMs: 60_000 },
  'driver/ping': { params: Nothing, result: Nothing, required: true, timeoutMs: 3_000 },
  'driver/probe': { params: Nothing, result: ProbeResult, required: false, timeoutMs: 10_000 },
  'driver/drain': { params: Nothing, result: Nothing, required: false, timeoutMs: 30_000 },
  'network/create': { params: CreateNetworkParams, result: Nothing, required: true, timeoutMs: 30_000 },
  'network/delete': { params: DeleteNetworkParams, result: Nothing, required: true, timeoutMs: 30_000 },
  'network/list': { params: Nothing, result: ListNetworksResult, required: true, timeoutMs: 30_000 },
  'network/peers': { params: PeersParams, result: PeersResult, required: false, timeoutMs: 30_000 },
  'endpoint/create': {
    params: CreateEndpointParams,
    result: CreateEndpointResult,
    required: true,
    timeoutMs: 30_000,
  },
  'endpoint/delete': { params: EndpointRef, result: Nothing, required: true, timeoutMs: 30_000 },
  'endpoint/plug': { params: PlugParams, result: PlugResult, required: true, timeoutMs: 30_000 },
  'endpoint/unplug': { params: UnplugParams, result: Nothing, required: true, timeoutMs: 30_000 },
  'endpoint/list': { params: Nothing, result: ListEndpointsResult, required: true, timeoutMs: 30_000 },
  'endpoint/policy': { params: PolicyParams, result: Nothing, required: false, timeoutMs: 30_000 },
  'policy/check': { params: CheckPolicyParams, result: Nothing, required: false, timeoutMs: 10_000 },
  'endpoint/stats': { params: StatsParams, result: StatsResult, required: false, timeoutMs: 10_000 },
} as const satisfies Record<string, RequestEntry>

/** The name of a request: `endpoint/plug`. */
export type RequestMethod = keyof typeof requests
/** The params of a request, without `_meta`. */
export type Params<M extends RequestMethod> = Static<(typeof requests)[M]['params']>
/** The result of a request. */
export type Result<M extends RequestMethod> = Static<(typeof requests)[M]['result']>

type NotificationEntry = { readonly params: TSchema; readonly from: 'host' | 'driver' }

/** What needs no answer. */
export const notifications = {
  initialized: { params: InitializedParams, from: 'host' },
  rejected: { params: RejectedParams, from: 'host' },
  'driver/event': { params: DriverEvent, from: 'driver' },
  'driver/log': { params: DriverLog, from: 'driver' },
  'driver/readiness': { params: Readiness, from: 'driver' },
  '$/progress': { params: Progress, from: 'driver' },
} as const satisfies Record<string, NotificationEntry>

/** The name of a notification: `driver/event`. */
export type NotificationMethod = keyof typeof notifications
/** The params of a notification. */
export type NotificationParams<M extends NotificationMethod> = Static<(typeof notifications)[M]['params']>

/** Whether this version of the protocol has a request of that name. */
export function isRequestMethod(method: string): method is RequestMethod {
  return Object.hasOwn(requests, method)
}

/** Whether this version of the protocol has a notification of that name. */
export function isNotificationMethod(method: string): method is NotificationMethod {
  return Object.hasOwn(notifications, method)
}
