// The client of the host's HTTP API. Loads no schemas: those are `@conet/sdk/api`.

export * from '../errors/index.ts'
export type * from './api/index.ts'
export { requestLines } from './api/request-lines.ts'
export type { CallBody, CallInput, CallParams, CallReply } from './call.ts'
export { ConetClient } from './conet-client.ts'
export type { EventStreamOptions } from './event-stream.ts'
export type { CallOptions, ConetClientOptions } from './host-connection.ts'
export { defaultSocketPath, runtimeSocketPath } from './socket-paths.ts'
