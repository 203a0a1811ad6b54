// What an author's code returned, checked before it leaves.
import { checkResult, type Result } from '../protocol/index.ts'
import type { DriverMethod } from './driver-calls.ts'

/** Returns the result. Throws a plain Error, since one that breaks the contract is a bug of the driver's. */
export function checkedResult<M extends DriverMethod>(method: M, result: unknown): Result<M> {
  try {
    return checkResult(method, result)
  } catch (cause) {
    throw new Error(`the driver's ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
