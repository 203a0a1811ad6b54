export * from './container.ts'
export * from './host.ts'
export * from './network.ts'
export * from './routes.ts'
