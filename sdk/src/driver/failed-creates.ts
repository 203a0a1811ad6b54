// A host sends `endpoint/create` and `endpoint/plug` back to back. If the create fails, the plug that is already on
// its way must fail too and do nothing. This remembers the creates that failed, for the life of one connection.
import { ConetError } from '../errors/index.ts'

/** The oldest are forgotten beyond; a plug follows its create within moments. */
const maxRemembered = 10_000

export class FailedCreates {
  readonly #failures = new Map<string, ConetError>()

  /** The outcome of a create: a failure is remembered until a create of the same endpoint succeeds. */
  record(endpointId: string, failure: ConetError | undefined): void {
    this.#failures.delete(endpointId)
    if (failure === undefined) return
    this.#failures.set(endpointId, failure)
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > maxRemembered && oldest !== undefined) this.#failures.delete(oldest)
  }

  /** The host says anew what should be: what failed before does not count. */
  clear(): void {
    this.#failures.clear()
  }

  /** Throws `failedPrecondition` if the last create of that endpoint failed. */
  assertCreated(endpointId: string, what: string): void {
    const cause = this.#failures.get(endpointId)
    if (cause === undefined) return
    const message = `${what}: not tried, because endpoint/create before it failed: ${cause.message}`
    throw new ConetError('failedPrecondition', message, { cause, details: { createFailed: cause.kind } })
  }
}
