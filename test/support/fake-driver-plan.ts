// How a test steers the fake driver, and what it hears from it. Both are files, so that they outlive the driver.
import { appendFileSync, readFileSync } from 'node:fs'
import type { ConetErrorOptions, Driver, LogLevel } from '@conet/sdk'

/** What one method does; without any of these it succeeds at once. */
export type FakeBehaviour = {
  /** Waits before anything else; ends early when the call is given up, unless `ignoresAbort`. */
  delayMs?: number
  /** Never answers. */
  hangs?: boolean
  /** Goes on after the call was given up. */
  ignoresAbort?: boolean
  /** Throws a ConetError. */
  error?: { kind: string; message: string } & Omit<ConetErrorOptions, 'cause'>
  /** Throws a plain Error: a bug of the author. */
  bug?: string
  /** Throws a KernelError. */
  errno?: number
  /** Kills the process with SIGKILL. */
  crashes?: boolean
  /** Returns this, right or wrong. */
  result?: unknown
  /** Says this was mended. */
  repairs?: string
  /** Logs this with `call.log`. */
  logs?: { level: LogLevel; message: string; fields?: Record<string, unknown> }
  /** Says this of itself: an empty text that it is ready, another that it is not, and why. */
  readiness?: string
  /** Only from that call of the method on, counted from 1 in each process. */
  fromCall?: number
  /** Only up to that call of the method. */
  toCall?: number
  /** Only for that object. */
  only?: string
}

/** By method as on the wire (`endpoint/plug`), and `start` and `stop`; the first that fits applies. */
export type FakePlan = {
  methods?: Record<string, FakeBehaviour | FakeBehaviour[]>
  /** What it publishes in its handshake. */
  schemas?: Pick<
    Driver,
    | 'configSchema'
    | 'attachmentSchema'
    | 'policySchema'
    | 'ipam'
    | 'hotUpgrade'
    | 'scope'
    | 'segments'
    | 'ports'
    | 'sandbox'
  >
  /** Which of the optional methods it has. */
  offers?: readonly ('endpoint/policy' | 'policy/check' | 'endpoint/stats')[]
  /** What the driver has although nobody told it. */
  has?: { networkIds?: string[]; endpoints?: { networkId: string; endpointId: string }[] }
}

/** A line of the record. */
export type FakeRecord = {
  readonly pid: number
  readonly event: 'begin' | 'abort' | 'end' | 'fail'
  readonly method: string
  readonly params: unknown
  readonly operationId?: string
  readonly attempt?: number
}

/** Environment of the program: the plan (read anew at each call), the record, the name. */
export const fakeVariables = {
  plan: 'CONET_FAKE_PLAN',
  record: 'CONET_FAKE_RECORD',
  name: 'CONET_FAKE_NAME',
} as const

export function readPlan(path: string | undefined): FakePlan {
  if (path === undefined) return {}
  const plan: unknown = JSON.parse(readFileSync(path, 'utf8'))
  return isPlan(plan) ? plan : {}
}

/** What it holds is written by tests, which the compiler checks. */
function isPlan(value: unknown): value is FakePlan {
  return typeof value === 'object' && value !== null
}

export function appendRecord(path: string | undefined, record: FakeRecord): void {
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(record)}\n`)
}

export function readRecords(path: string): FakeRecord[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line): FakeRecord => JSON.parse(line))
}
