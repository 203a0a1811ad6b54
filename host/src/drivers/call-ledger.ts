// What is asked of one driver: the calls under way, with what the driver says of their progress, and how long those
// took that have ended. It outlives connections, so that the figures do.
import type { Progress } from '@conet/sdk'
import { LatencyWindow } from './latency-window.ts'

export type CallUnderWay = {
  readonly method: string
  readonly operationId: string
  readonly attempt: number
  readonly since: Date
  /** What the driver said last of how it gets on. */
  readonly progress: Pick<Progress, 'message' | 'percentage'> | undefined
}

export type MethodFigures = {
  readonly method: string
  /** Calls that have ended, and those of them that failed, since the host began with this socket. */
  readonly count: number
  readonly failed: number
  /** Of the last calls that succeeded; undefined if none did. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

type MethodRecord = { count: number; failed: number; readonly latencies: LatencyWindow }

/** One call, from the moment it is sent. */
export class LedgerEntry {
  readonly method: string
  readonly operationId: string
  readonly attempt: number
  /** As `performance.now()`. */
  readonly startedMs = performance.now()
  progress: CallUnderWay['progress']

  constructor(method: string, operationId: string, attempt: number) {
    this.method = method
    this.operationId = operationId
    this.attempt = attempt
  }
}

export class CallLedger {
  readonly #underWay = new Set<LedgerEntry>()
  readonly #methods = new Map<string, MethodRecord>()

  begin(
    method: string,
    { operationId, attempt = 1 }: { operationId: string; attempt?: number },
  ): LedgerEntry {
    const entry = new LedgerEntry(method, operationId, attempt)
    this.#underWay.add(entry)
    return entry
  }

  /** A call that failed says nothing of how fast the driver is. */
  end(entry: LedgerEntry, { isFailure }: { isFailure: boolean }): void {
    this.#underWay.delete(entry)
    const record = this.#recordOf(entry.method)
    record.count += 1
    if (isFailure) record.failed += 1
    else record.latencies.add(performance.now() - entry.startedMs)
  }

  /** Longest first. */
  underWay(): CallUnderWay[] {
    const now = Date.now()
    const nowMs = performance.now()
    return [...this.#underWay].map(({ method, operationId, attempt, startedMs, progress }) => ({
      method,
      operationId,
      attempt,
      since: new Date(now - (nowMs - startedMs)),
      progress,
    }))
  }

  figures(): MethodFigures[] {
    return [...this.#methods].map(([method, { count, failed, latencies }]) => {
      const [p50Ms, p99Ms] = latencies.percentiles(0.5, 0.99)
      return { method, count, failed, p50Ms, p99Ms }
    })
  }

  #recordOf(method: string): MethodRecord {
    const known = this.#methods.get(method)
    if (known !== undefined) return known
    const record = { count: 0, failed: 0, latencies: new LatencyWindow() }
    this.#methods.set(method, record)
    return record
  }
}
