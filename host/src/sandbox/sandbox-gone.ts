// What tells that a sandbox is gone.
import { ConetError } from '@conet/sdk'

/** Whether the error says that the namespace is gone, or only the file is left on which it was held. */
export function isSandboxGone(error: unknown): boolean {
  return ConetError.is(error, 'invalidSandbox') || ConetError.is(error, 'sandboxUnreachable')
}
