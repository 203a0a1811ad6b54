// Waiting that ends when it is cancelled, while what was waited for may go on.
import type { Cancellation } from '../cancellation.ts'

/** How something ended that nobody waited for any more. */
export type LateOutcome = { readonly failure?: unknown }

/** Settles as `work` does, or rejects with the reason as soon as it is cancelled; then `onLate` hears the end. */
export function untilCancelled<T>(
  work: Promise<T>,
  cancellation: Cancellation,
  onLate: (outcome: LateOutcome) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let hasEnded = false
    work.then(
      (result) => {
        hasEnded = true
        resolve(result)
      },
      (failure: unknown) => {
        hasEnded = true
        reject(failure)
      },
    )
    cancellation.onCancel(() => {
      if (hasEnded) return
      reject(cancellation.reason)
      work.then(
        () => onLate({}),
        (failure: unknown) => onLate({ failure }),
      )
    })
  })
}
