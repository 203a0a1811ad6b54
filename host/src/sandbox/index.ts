export { configureInterface, returnInterface } from './host-configuration.ts'
export { type HeldSandbox, isSandboxGone, SandboxKeeper } from './sandbox-keeper.ts'
export type { SandboxSource } from './sandbox-source.ts'
export { forgetSourceRouting, routeBySource } from './source-routing.ts'
