// A driver under test: where it listens, and what the kit may do to its process.
import { setTimeout as sleep } from 'node:timers/promises'

export type Target = AsyncDisposable & {
  readonly socketPath: string
  /** For reports: the command, or the socket. */
  readonly description: string
  /** Undefined for a driver that somebody else has started. */
  readonly process: TargetProcess | undefined
}

/** A driver that the kit has started from a command. */
export type TargetProcess = {
  /** Of the process group's leader. */
  readonly pid: number
  readonly isAlive: boolean
  /** How it ended, if it has and the kit did not end it: its exit code, or the signal's name. */
  readonly ownEnd: number | string | undefined
  /** The last of what it wrote to stderr. */
  readonly stderr: string
  /** Ends it (default SIGKILL) and waits until it is gone. Resolves to its exit code, or the signal's name. */
  end(signal?: NodeJS.Signals): Promise<number | string>
  /** Starts it again on the same socket, and waits until it takes connections. */
  restart(): Promise<void>
  /** A second instance of the same command on a socket of its own; ended with the first. */
  startAnother(): Promise<Target>
}

const pollMs = 5

/**
 * How a process ended by itself, in words; undefined for one that lives, or that the kit has ended. The news may come a
 * little after the end of its connections: `waitMs`.
 */
export async function endOf(process: TargetProcess, waitMs: number): Promise<string | undefined> {
  const untilMs = performance.now() + waitMs
  while (process.isAlive && performance.now() < untilMs) await sleep(pollMs)
  const { ownEnd } = process
  return typeof ownEnd === 'number' ? `exit code ${ownEnd}` : ownEnd
}
