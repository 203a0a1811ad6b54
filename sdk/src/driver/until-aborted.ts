// Waiting that ends with a signal, while what was waited for may go on.
/** How something ended that nobody waited for any more. */
export type LateOutcome = { readonly failure?: unknown }

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts; then `onLate` hears the end. */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  onLate: (outcome: LateOutcome) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      reject(signal.reason)
      work.then(
        () => onLate({}),
        (failure: unknown) => onLate({ failure }),
      )
    }
    const settle = () => signal.removeEventListener('abort', giveUp)
    work.then(resolve, reject).then(settle, settle)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}
