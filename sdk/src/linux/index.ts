export { KernelError, type KernelErrorOptions } from './kernel-error.ts'
