// Putting down what was started: one error on all that failed. Who hears why conetd did not start hears that, whatever
// else fails after it.
import { ConetError, type Rollback } from '@conet/sdk'
import type { Logger } from 'pino'

/** Tries every step. Throws `internal` on all that failed. */
export async function putDown(parts: Rollback): Promise<void> {
  await parts[Symbol.asyncDispose]().catch((cause: unknown) => {
    throw stopFailure(cause)
  })
}

/** Runs `start`. When it fails all of `started` is put down, one after the other, and its error is thrown. */
export async function startOrPutDown(
  start: () => Promise<void>,
  started: readonly Rollback[],
  log: Pick<Logger, 'error'>,
): Promise<void> {
  try {
    await start()
  } catch (error) {
    for (const parts of started)
      await putDown(parts).catch((err: unknown) => log.error({ err }, 'conetd: what it had started stays'))
    throw error
  }
}

function stopFailure(cause: unknown): ConetError {
  const failures: unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  const said = failures.map((failure) =>
    failure instanceof Error && failure.cause instanceof Error
      ? `${failure.message}: ${failure.cause.message}`
      : String(failure),
  )
  return new ConetError('internal', `stop conetd: ${said.join('; ')}`, {
    cause,
    details: { failures: said },
    help: 'the next start takes over what is left; if it does not, its log says why',
  })
}
