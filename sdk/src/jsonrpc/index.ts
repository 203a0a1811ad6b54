// The JSON-RPC peer that host and driver share, and the parts of it that tests and the conformance kit use alone.
export type { CloseListener } from './close-listeners.ts'
export type { NotificationHandler, ViolationKind } from './dispatcher.ts'
export type { MessageId, ReplyError } from './envelope.ts'
export { maxHeaderBytes } from './frame-header.ts'
export {
  encodeFrame,
  type Frame,
  FrameParser,
  type FrameParserOptions,
  type FramePhase,
  isJsonObject,
  type JsonObject,
} from './framing.ts'
export { JsonText } from './json-text.ts'
export { defaultLimits, type PeerLimits } from './limits.ts'
export { Pace, type PaceOptions } from './pace.ts'
export { JsonRpcPeer } from './peer.ts'
export type { CloseOptions, PeerOptions } from './peer-options.ts'
export type { CallOptions } from './pending-calls.ts'
export { isSameJson } from './same-json.ts'
export type { RequestContext, RequestHandler } from './served-requests.ts'
export { errorFromWire, errorToWire, jsonRpcCode, UnknownMethodError } from './wire-error.ts'
