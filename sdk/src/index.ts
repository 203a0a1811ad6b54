// The public API of the SDK: named exports, nothing else.

export { type Deadline, deadline } from './deadline.ts'
export * from './driver/index.ts'
export * from './errors/index.ts'
export { assertFailpointKnown, declareFailpoints, failpoint, failpointNames } from './failpoint.ts'
export { fieldErrors, firstFieldError } from './fields/index.ts'
export { KeyedQueue } from './keyed-queue.ts'
export { onAbort } from './on-abort.ts'
export * from './protocol/index.ts'
export { Rollback } from './rollback.ts'
export { StateFile, type StateFileOptions } from './state-file.ts'
