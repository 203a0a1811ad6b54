// Starts, watches and ends one process of a driver. It decides nothing: when to start again is for its user.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError, isErrno } from '@conet/sdk'
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.ts'

export type DriverProcess = {
  /** Undefined: it ended before it could be looked at. */
  readonly identity: ProcessIdentity | undefined
  /** Resolves to how it ended, in words; rejects only when `signal` aborts. */
  ended(signal: AbortSignal): Promise<string>
}

export type StartOptions = {
  readonly program: string
  readonly argv: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Standard output and error are appended to it. */
  readonly logPath: string
}

const maxLogBytes = 16 * 1024 * 1024
const pollMs = 1_000
const terminatePollMs = 25

/** Starts the program in a session of its own, so that it outlives the host and no terminal signal reaches it. */
export async function startProcess({
  program,
  argv,
  environment,
  logPath,
}: StartOptions): Promise<DriverProcess> {
  await setAsideLongLog(logPath)
  await using log = await open(logPath, 'a', 0o600)
  const child = spawn(program, argv, {
    cwd: '/',
    detached: true,
    env: environment,
    stdio: ['ignore', log.fd, log.fd],
  })
  const exit = once(child, 'exit').then(([code, signal]) => describeExit(code, signal))
  // The same failure rejects the wait for `spawn` below.
  exit.catch(() => undefined)
  await once(child, 'spawn')
  child.unref()
  const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid)
  return { identity, ended: (signal) => orAbort(exit, signal) }
}

/** A process that an earlier host started. It is no child of this one, so its end is looked for on a clock. */
export function adoptProcess(identity: ProcessIdentity): DriverProcess {
  return {
    identity,
    async ended(signal) {
      // A look that fails (too many open files) tells nothing; the next one may.
      while (await isAlive(identity).catch(() => true)) await sleep(pollMs, undefined, { signal })
      return 'it ended'
    },
  }
}

/** SIGTERM, and SIGKILL to what is still there after `killAfterMs`. Succeeds if it is gone already. */
export async function terminateProcess(identity: ProcessIdentity, killAfterMs: number): Promise<void> {
  if (await endedBy(identity, 'SIGTERM', killAfterMs)) return
  if (await endedBy(identity, 'SIGKILL', 5_000)) return
  throw new ConetError('deadlineExceeded', `end process ${identity.pid}: it is there after SIGKILL`)
}

async function endedBy(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<boolean> {
  // The start time is compared right before the signal, so that no stranger with the same pid gets it.
  if (!(await isAlive(identity))) return true
  sendSignal(identity.pid, signal)
  const end = performance.now() + timeoutMs
  while (await isAlive(identity)) {
    if (performance.now() > end) return false
    await sleep(terminatePollMs)
  }
  return true
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // Ended in the meantime, which is what was wanted.
    if (isErrno(error, 'ESRCH')) return
    throw error
  }
}

function describeExit(code: unknown, signal: unknown): string {
  return typeof signal === 'string' ? `it was ended by ${signal}` : `it exited with ${String(code)}`
}

async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const listening = new AbortController()
  const aborted = once(signal, 'abort', { signal: listening.signal }).then(() => {
    throw signal.reason
  })
  // Not waited for once the other has won.
  aborted.catch(() => undefined)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    listening.abort()
  }
}

/** Only between two lives of the driver: while it runs, the file is its own. */
async function setAsideLongLog(path: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  )
  if (size > maxLogBytes) await rename(path, `${path}.1`)
}
