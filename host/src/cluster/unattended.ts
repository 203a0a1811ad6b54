// Work that nobody waits for, so that nobody hears of it when it fails.
import { ConetError } from '@conet/sdk'
import type { Logger } from 'pino'

export type UnattendedOptions = {
  /** Of the node: what fails after its end is no trouble. */
  readonly signal: AbortSignal
  readonly log: Pick<Logger, 'error'>
}

/** Runs it. Only a store that is away is no word in the log, since that is told elsewhere; `trouble` says what any other error means. */
export function unattended(
  trouble: string,
  work: () => void | Promise<void>,
  { signal, log }: UnattendedOptions,
): void {
  const run = async () => {
    try {
      await work()
    } catch (err) {
      if (signal.aborted || ConetError.is(err, 'clusterUnavailable')) return
      log.error({ err }, `cluster: ${trouble}`)
    }
  }
  void run()
}
