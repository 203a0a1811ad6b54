// The client of the host's HTTP API. Loads no schemas: those are `@conet/sdk/api`.

export type * from './api/index.ts'
export { requestLines } from './api/request-lines.ts'
