export { configureInterface, returnInterface } from './host-configuration.ts'
export { type HeldSandbox, isSandboxGone, SandboxKeeper, type SandboxSource } from './sandbox-keeper.ts'
export { forgetSourceRouting, routeBySource } from './source-routing.ts'
