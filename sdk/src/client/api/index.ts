// The HTTP API as schemas and as one table of routes, for who serves or documents it. Loads TypeBox: a program that
// only calls conetd imports `@conet/sdk/client`.
export * from './container.ts'
export * from './container-request.ts'
export * from './garden.ts'
export * from './host.ts'
export * from './network.ts'
export * from './node.ts'
export * from './policy.ts'
export * from './pool.ts'
export * from './reconciliation.ts'
export * from './request-lines.ts'
export * from './routes.ts'
